// The window's first page: prints its words, and writes a picture of it to the file that the second argument names.
//
// The first argument is the file that redirects; NODE_PEERS is the folder node_modules that holds playwright-core.

import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(resolve(process.env.NODE_PEERS), 'x.js'));
const { chromium } = require('playwright-core');

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
const page = await browser.newPage({ viewport: { width: 960, height: 720 } });
await page.goto(pathToFileURL(process.argv[2]).href);
await page.waitForFunction(() => document.querySelector('main').getAttribute('aria-busy') === 'false' && location.hash === '#start');
if (process.argv[3]) await page.screenshot({ path: process.argv[3] });
const words = await page.locator('main').innerText();
await browser.close();
console.log(words.split('\n').map(line => line.trim()).filter(line => line).join('\n'));
