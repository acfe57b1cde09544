// The privacy report: both languages, keyboard, axe-core, every part opened.

import { look, overflow, shot, speak, tabs, violations } from './browser.mjs';

await look(process.argv[2], async page => {
  const seen = { overflow: await overflow(page), english: await page.locator('h1').innerText() };
  seen.tabs = await tabs(page, 20);
  seen.violations = await violations(page);
  seen.danish = await speak(page, 'da');
  seen.danish_violations = await violations(page);
  seen.danish_overflow = await overflow(page, 'danish-');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shot(page, 'danish-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  seen.danish_text = await page.locator('main').innerText();
  await speak(page, 'en');
  seen.english_text = await page.locator('main').innerText();

  // The first part is opened by keyboard, as is the choice of a language.
  await page.locator('summary').first().focus();
  await page.keyboard.press('Enter');
  seen.opened = await page.locator('details[open]').count();
  await page.locator('#en').focus();
  await page.keyboard.press('ArrowRight');
  seen.by_keyboard = await page.locator('h1').innerText();
  await speak(page, 'en');

  await page.evaluate(() => { for (const part of document.querySelectorAll('details')) part.open = true; });
  seen.open_overflow = await overflow(page, 'open-');
  seen.open_violations = await violations(page);
  await page.emulateMedia({ media: 'print' });
  await shot(page, 'print');
  return seen;
});
