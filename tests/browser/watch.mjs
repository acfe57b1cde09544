// Any page: what it asked for and complained of, how it fits, what axe-core finds, in the dark too; on paper.

import { look, overflow, shot, violations } from './browser.mjs';

await look(process.argv[2], async page => {
  const seen = { overflow: await overflow(page), violations: await violations(page) };
  await page.emulateMedia({ colorScheme: 'dark' });
  seen.dark_violations = await violations(page);
  await shot(page, 'dark');
  await page.emulateMedia({ colorScheme: 'light', media: 'print' });
  await shot(page, 'print');
  return seen;
});
