// Any page: what it asked for and complained of, how it fits, what axe-core finds.

import { look, overflow, violations } from './browser.mjs';

await look(process.argv[2], async page => ({ overflow: await overflow(page), violations: await violations(page) }));
