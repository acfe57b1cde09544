// The preview of a bundle: searched, a file expanded, both languages, keyboard, axe-core.

import { look, overflow, shot, speak, tabs, violations } from './browser.mjs';

await look(process.argv[2], async page => {
  const seen = { overflow: await overflow(page), english: await page.locator('h1').innerText() };
  seen.tabs = await tabs(page, 12);
  seen.violations = await violations(page);
  seen.danish = await speak(page, 'da');
  seen.danish_violations = await violations(page);
  seen.danish_overflow = await overflow(page, 'danish-');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shot(page, 'danish-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await speak(page, 'en');

  const file = page.locator('details.file').first();
  await file.locator('summary').click();
  seen.expanded = await file.locator('pre').innerText();

  const found = async words => {
    await page.fill('#find', words);
    await page.waitForFunction(() => document.getElementById('found').innerText !== window.before);
    const said = await page.locator('#found').innerText();
    await page.evaluate(() => { window.before = document.getElementById('found').innerText; });
    return { said, files: await page.locator('details.file:visible').count() };
  };
  await page.evaluate(() => { window.before = ''; });
  seen.hits = await found('KVP');
  await page.keyboard.press('Enter');
  seen.opened = await page.locator('details.file:visible').first().evaluate(details => details.open);
  seen.absent = await found('Jens Hansen (');
  await page.fill('#find', '');
  await page.waitForFunction(() => document.getElementById('found').innerText === '');
  seen.all = await page.locator('details.file:visible').count();

  await page.click('#all');
  seen.open = await page.locator('details.file[open]').count();
  seen.open_overflow = await overflow(page, 'open-');
  seen.open_violations = await violations(page);
  await page.emulateMedia({ media: 'print' });
  seen.printed_search = await page.locator('#find').isVisible();
  await shot(page, 'print');
  return seen;
});
