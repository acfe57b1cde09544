// The collector's operators' page: both widths, the dark scheme, on paper, axe-core.

import { look, overflow, shot, tabs, violations } from './browser.mjs';

await look(process.argv[2], async page => {
  const seen = { overflow: await overflow(page), violations: await violations(page), tabs: await tabs(page, 4) };
  await page.emulateMedia({ colorScheme: 'dark' });
  seen.dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  seen.dark_violations = await violations(page);
  await shot(page, 'dark');
  await page.emulateMedia({ colorScheme: 'light', media: 'print' });
  seen.printed_search = await page.locator('form').isVisible();
  await shot(page, 'print');
  return seen;
});
