// A page in headless Chromium: what it shows, what it asked the network for, what it complained of.
//
// NODE_PEERS is the folder node_modules that holds playwright-core and axe-core; CHROMIUM the browser.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { fits } from './fits.mjs';

const require = createRequire(join(resolve(process.env.NODE_PEERS), 'x.js'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

/** Opens the page at `path`, gives it to `look`, and prints what `look` returns and the requests that came meanwhile. */
export async function look(path, look) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const address = pathToFileURL(resolve(path)).href;
  const requests = [], complaints = [];
  page.unfit = [];
  page.on('request', request => request.url() === address || requests.push(request.url()));
  page.on('console', said => ['error', 'warning'].includes(said.type()) && complaints.push(said.text()));
  page.on('pageerror', error => complaints.push(String(error)));
  page.on('dialog', dialog => { complaints.push('a dialog'); dialog.dismiss(); });
  await page.goto(address);
  const seen = await look(page);
  await browser.close();
  console.log(JSON.stringify({ ...seen, requests, complaints, unfit: page.unfit }));
}

/** Pixels that the page is wider than the window, at both widths; what does not fit there goes to `page.unfit`. */
export async function overflow(page, name = '') {
  const found = {};
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 900 });
    found[width] = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    page.unfit.push(...(await page.evaluate(fits)).map(what => `${width}: ${what}`));
    await shot(page, `${name}${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  return found;
}

/** What axe-core finds, by its rules' names. */
export async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run());
  return found.violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.html.slice(0, 120)).join(' | ')}`);
}

/** What the keyboard reaches from the top, in its order. */
export async function tabs(page, most) {
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  const reached = [];
  for (let at = 0; at < most; at++) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      const element = document.activeElement;
      return element === document.body ? '' : element.id || element.tagName.toLowerCase();
    });
    if (!name) break;
    reached.push(name);
  }
  return reached;
}

/** A picture below SCREENSHOTS, for a person to look at. */
export async function shot(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${process.env.SHOT}-${name}.png`), fullPage: true });
}

/** Chooses the language `da` or `en`, and what is then readable of the heading. */
export async function speak(page, language) {
  await page.locator(`label[for=${language}]`).click();
  return page.locator('h1').innerText();
}
