// The window in headless Chromium, from the first yes to a delivered bundle, as a clinic would: clicks and keys only.
//
// The argument is the file that redirects. SETUP names a JSON file: {"language", "outbox", "event", "exposures", "pid", "stick",
// and the commands "answer", "ask", "import", "restart"}. The last line that is printed is what was seen; each line before it orders
// something of the network ("cut", "part", "mend"), and a line on standard input says that it is so.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { fits } from './fits.mjs';

const require = createRequire(join(resolve(process.env.NODE_PEERS), 'x.js'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const setup = JSON.parse(readFileSync(process.env.SETUP, 'utf8'));
const danish = setup.language === 'da';
const say = (en, da) => danish ? da : en;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
// What hands do: each key and each click, as the page gets them.
await context.addInitScript(() => {
  globalThis.hands = 0;
  for (const kind of ['keydown', 'pointerdown']) addEventListener(kind, event => { globalThis.hands += event.isTrusted; }, true);
});
const page = await context.newPage();
const seen = { elsewhere: [], complaints: [], violations: [], overflow: [], unfit: [], states: [] };
let own = '', expected = 0;
page.on('request', request => {
  const url = new URL(request.url());
  if (url.protocol === 'file:' || url.protocol === 'blob:') return;
  own ||= url.origin;
  if (url.origin !== own) seen.elsewhere.push(request.url());
});
page.on('console', said => { if (['error', 'warning'].includes(said.type())) seen.complaints.push(said.text()); });
page.on('pageerror', error => seen.complaints.push(String(error)));

const ready = name => page.waitForFunction(name => document.querySelector('main').getAttribute('aria-busy') === 'false' && location.hash === '#' + name, name);
const go = async (name, en, da) => { await page.locator('nav').getByRole('link', { name: say(en, da), exact: true }).click(); await ready(name); };
const click = async (en, da) => page.getByRole('button', { name: say(en, da), exact: true }).first().click();
const said = text => page.locator('#said').filter({ hasText: text }).waitFor({ timeout: 20000 });
const shown = (id, text) => page.locator('#' + id).filter({ hasText: text }).waitFor({ timeout: 60000 })
  .catch(async error => { throw new Error(`${error}\n${await page.locator('body').innerText()}`); });
const hands = () => page.evaluate(() => globalThis.hands);
const type = async (field, text) => { await field.click({ clickCount: 3 }); await field.pressSequentially(text); };
const save = async (en, da) => { const [file] = await Promise.all([page.waitForEvent('download'), click(en, da)]); return file; };
const ordered = what => new Promise(done => {
  process.stdin.once('data', () => { process.stdin.pause(); done(); });
  process.stdin.resume();
  console.log(what);
});
// The table of what is held, saved until it says that: other records may leave before the one that is waited for.
async function saved(enough) {
  for (let look = 0; look < 60; look++) {
    const csv = await save('Save as CSV for Excel', 'Gem som CSV til Excel');
    seen.csv = readFileSync(await csv.path(), 'utf8');
    if (enough(seen.csv)) return;
    await page.waitForTimeout(500);
  }
}
async function looked(name) {
  // Everything is open but the files of a draft.
  const closed = await page.locator('main details:not([open]):not(.file)').elementHandles();
  for (const one of closed) await one.evaluate(details => { details.open = true; });
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    const found = await page.evaluate(axe + ';axe.run()');
    seen.violations.push(...found.violations.map(rule => `${name} ${scheme} ${rule.id}: ${rule.nodes.map(node => node.html.slice(0, 120)).join(' | ')}`));
    for (const width of [1280, 400]) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) seen.overflow.push(`${name} ${width}: ${wide}`);
      if (scheme === 'light') seen.unfit.push(...(await page.evaluate(fits)).map(what => `${name} ${width}: ${what}`));
      const folder = process.env.SCREENSHOTS;
      if (folder) await page.screenshot({ path: join(folder, `window-${setup.language}-${name}-${width}-${scheme}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  for (const one of closed) await one.evaluate(details => { details.open = false; }).catch(() => {});
  if (process.env.SCREENSHOTS) await page.pdf({ path: join(process.env.SCREENSHOTS, `window-${setup.language}-${name}.pdf`), format: 'A4', margin: { top: '15mm', bottom: '15mm', left: '15mm', right: '15mm' } });
  await page.setViewportSize({ width: 1280, height: 900 });
}

await page.goto(pathToFileURL(process.argv[2]).href);
await ready('start');
seen.address = page.url().replace(/:\d+/, ':PORT');
seen.language = await page.evaluate(() => document.documentElement.lang);
await looked('start');

// Yes, by the keyboard alone: the role is asked first.
await go('consent', 'Consent', 'Samtykke');
await looked('consent');
await page.getByRole('radio', { name: say('the owner', 'ejeren') }).focus();
await page.keyboard.press('Space');
await page.keyboard.press('Tab');
await page.keyboard.press('Enter');
await said(say('It is on from now on', 'Det er slået til fra nu af'));
await ready('start');
seen.states.push(await page.locator('#flag .chip').innerText());

// What Kathea reports is seen to leave, without a click.
writeFileSync(setup.outbox + '.part', setup.event);
renameSync(setup.outbox + '.part', setup.outbox);
await page.waitForFunction(() => Number(document.querySelector('#facts b').textContent.replace(/\D/g, '')) > 0, null, { timeout: 60000 });
await go('leaves', 'What leaves', 'Hvad der sendes');
await saved(text => text.split('\r\n').some(line => line.startsWith('sent;') && line.includes('device.error')));
await looked('leaves');
seen.sent = await page.locator('#leaves').innerText();
// The clinic's own history: switched on by a click, its charts seen.
const untouched = await hands();
await go('history', 'History', 'Historik');
await looked('history-off');
await click('Switch the history on', 'Slå historikken til');
await shown('setting', say('The history is on.', 'Historikken er slået til.'));
writeFileSync(setup.outbox + '.part', setup.exposures);
renameSync(setup.outbox + '.part', setup.outbox + '.history.ndjson');
for (let look = 0; look < 600 && existsSync(setup.outbox + '.history.ndjson'); look++) await page.waitForTimeout(100);
await go('start', 'Start', 'Start');
await go('history', 'History', 'Historik');
await page.locator('main svg .bar').nth(1).waitFor();
seen.hands_chart = await hands() - untouched;
await page.locator('main details summary').first().click();
await looked('history');
seen.history = await page.locator('main').innerText();
const figures = await save('Save as CSV for Excel', 'Gem som CSV til Excel');
seen.own = readFileSync(await figures.path(), 'utf8');

// Pause, resume.
await go('start', 'Start', 'Start');
await click('Pause', 'Sæt på pause');
await page.locator('#flag .chip').filter({ hasText: say('paused', 'på pause') }).waitFor();
seen.states.push(await page.locator('#flag .chip').innerText());
await page.getByRole('radio', { name: say('the privacy officer', 'den databeskyttelsesansvarlige') }).check();
await click('Resume', 'Genoptag');
await shown('flag', say('The consent lasts', 'Samtykket gælder'));
seen.states.push(await page.locator('#flag .chip').innerText());

// The vendor is asked what it holds. Its answer comes while the service is away, and is fetched when it is back.
await go('rights', 'Rights and proofs', 'Rettigheder og dokumentation');
seen.too_early = await page.getByRole('button', { name: say("Save the vendor's answer", 'Gem leverandørens svar') }).count();
await click('Ask the vendor', 'Spørg leverandøren');
await shown('tickets', say('Tell what is held', 'Oplys, hvad der opbevares'));
const access = await page.locator('#tickets tr').filter({ hasText: say('Tell what is held', 'Oplys, hvad der opbevares') }).locator('.mono').innerText();

// A case, from the reason to delivered: a mistyped number, a file that is left out, and then what leaves is looked at.
const number = page.getByLabel(say('Number of the case, from the vendor', 'Sagens nummer, fra leverandøren'));
async function prepared() {
  await click('Prepare', 'Forbered');
  await page.locator('#drafts a').waitFor({ timeout: 90000 }).catch(async error => { throw new Error(`${error}\n${await page.locator('body').innerText()}`); });
}
async function decided() {
  await page.locator('#drafts a').click();
  await page.waitForFunction(() => location.hash.startsWith('#draft/') && document.querySelector('details.file'));
}
const idle = await hands();
await go('case', 'Support case', 'Supportsag');
await looked('case');
await type(number, 'no number!');
await page.getByRole('radio', { name: say('An error', 'En fejl') }).check();
await page.getByRole('radio', { name: say('The newest, and the logs around it', 'Den nyeste og logfilerne omkring den') }).check();
await type(page.getByLabel(say('What happened?', 'Hvad skete der?')), 'The volume stays black after the exposure since this morning');
await type(page.getByLabel(say('Whom may the vendor contact?', 'Hvem må leverandøren kontakte?')), 'reception');
expected++;
await click('Prepare', 'Forbered');
await said('CASE-1042');
await type(number, 'case-7');
await prepared();
await shown('work', say('Left out', 'Udeladt'));
seen.left_out = await page.locator('#work').innerText();
await looked('left-out');
await page.getByRole('button', { name: say('Open it on this computer', 'Åbn den på denne computer') }).last().click();
await said(say('Opened.', 'Åbnet.'));
await decided();
await looked('draft');
seen.files = await page.locator('details.file').count();
await page.emulateMedia({ media: 'print' });
await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
seen.printed_open = await page.locator('details:not([open])').count();
seen.printed_buttons = await page.locator('button:visible').count();
await page.emulateMedia({ media: null });
await page.getByRole('radio', { name: say('the owner', 'ejeren') }).check();
await ordered('cut');
await click('Send', 'Send');
seen.hands_case = await hands() - idle;

// The line is cut while it is sent, and the service is killed under the page: it is resumed where it stopped.
await shown('bundles', /\/s, \d/);
seen.sending = await page.locator('#bundles').innerText();
seen.sent_when_killed = await page.locator('#bundles progress').evaluate(bar => [bar.value, bar.max]);
process.kill(Number(readFileSync(setup.pid, 'utf8')), 'SIGKILL');
await said('kathea-agent service start');
await looked('away');
await go('start', 'Start', 'Start');
await page.getByText('kathea-agent service start').waitFor({ timeout: 20000 });
await looked('stopped');
execFileSync(setup.answer[0], [...setup.answer.slice(1), access]);
execFileSync(setup.restart[0], setup.restart.slice(1));
await go('case', 'Support case', 'Supportsag');
await shown('bundles', say('delivered', 'leveret'));
await looked('delivered');
seen.bundle = await page.locator('#bundles').innerText();
await go('rights', 'Rights and proofs', 'Rettigheder og dokumentation');
await shown('held', say('30 days', '30 dage'));
const answer = await save("Save the vendor's answer", 'Gem leverandørens svar');
seen.answer = [answer.suggestedFilename(), readFileSync(await answer.path(), 'utf8'), access];
await go('case', 'Support case', 'Supportsag');

// Without a line to the vendor a bundle is carried there on a stick, with the consent to it; the service learns of that.
await ordered('part');
await type(number, 'case-8');
await page.getByRole('radio', { name: say('An error', 'En fejl') }).check();
await prepared();
await decided();
await page.getByRole('radio', { name: say('the owner', 'ejeren') }).check();
await click('Send', 'Send');
await shown('bundles', 'CASE-8');
await looked('waiting');
await (await save('Save for a USB stick', 'Gem til et USB-stik')).saveAs(setup.stick);
const consent = await save('Save the consent that goes with it', 'Gem samtykket, der skal med');
seen.stick = consent.suggestedFilename();
await consent.saveAs(setup.stick + '.consent');
execFileSync(setup.import[0], setup.import.slice(1));
await ordered('mend');
await click('Ask the vendor', 'Spørg leverandøren');
await page.locator('#bundles section').filter({ hasText: 'CASE-8' }).filter({ hasText: say('delivered', 'leveret') }).waitFor({ timeout: 60000 });

// The vendor asks: a case is open, so the page shows it by itself within a minute.
await click('Ask the vendor', 'Spørg leverandøren');
execFileSync(setup.ask[0], setup.ask.slice(1));
const since = Date.now();
await go('check', 'Check', 'Kontrol');
await looked('check');
seen.check = await page.locator('main').innerText();
await go('rights', 'Rights and proofs', 'Rettigheder og dokumentation');
await looked('rights');
await go('start', 'Start', 'Start');
await shown('asked', 'CASE-9');
seen.asked_seconds = (Date.now() - since) / 1000;
seen.asked = await page.locator('#asked').innerText();
await looked('asked');

// Stop and erase.
await click('Stop, and have the vendor erase too', 'Stop, og få også leverandøren til at slette');
await page.locator('#said pre').waitFor();
seen.receipt = await page.locator('#said pre').innerText();
await page.locator('#flag .chip').filter({ hasText: say('off', 'fra') }).waitFor();
seen.states.push(await page.locator('#flag .chip').innerText());
await looked('stopped-and-erased');

// The secret was used: whoever opens the same address is refused, and the page says so.
const second = await context.newPage();
await second.goto(own + '/#' + 'A'.repeat(43));
await second.locator('#ended').waitFor();
seen.guessed = await second.locator('#ended h1:visible').innerText();
await second.close();
await page.reload();
await page.locator('#ended').waitFor();
seen.reloaded = await page.locator('#ended h1:visible').innerText();
seen.storage = await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]);
await browser.close();
process.stdin.destroy();
// A refused form is answered 409, which the browser's console tells of.
seen.complaints = seen.complaints.filter(text => !/status of (409|403) /.test(text) || expected-- <= 0 && !/403/.test(text));
console.log(JSON.stringify(seen));
