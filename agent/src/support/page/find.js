
'use strict';
(() => {
  const at = id => document.getElementById(id);
  const files = [...document.querySelectorAll('details.file')];
  const mark = (name, ranges) => self.Highlight && CSS.highlights.set(name, new Highlight(...ranges));
  const SHOWN = 2000;
  let hits = [], here = -1, timer = 0;

  function texts(file) {
    const walk = document.createTreeWalker(file, NodeFilter.SHOW_TEXT), found = [];
    while (walk.nextNode()) if (!walk.currentNode.parentElement.lang) found.push(walk.currentNode);
    return found;
  }

  function search() {
    const words = at('find').value.trim();
    const wanted = words && new RegExp(words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');
    let count = 0, matching = 0;
    hits = []; here = -1;
    for (const file of files) {
      let own = 0;
      for (const node of wanted ? texts(file) : []) {
        for (const hit of node.data.matchAll(wanted)) {
          own++;
          if (hits.length < SHOWN) {
            const range = new Range();
            range.setStart(node, hit.index);
            range.setEnd(node, hit.index + hit[0].length);
            hits.push(range);
          }
        }
      }
      file.hidden = Boolean(wanted) && !own;
      count += own; matching += own > 0;
    }
    mark('found', hits); mark('here', []);
    const say = (language, text) => `<span lang="${language}">${text}</span>`;
    at('found').innerHTML = wanted
      ? say('en', count ? `Hits: ${count}, files: ${matching}` : 'Found nowhere') +
        say('da', count ? `Fund: ${count}, filer: ${matching}` : 'Findes ingen steder')
      : '';
  }

  function next() {
    if (!hits.length) return;
    here = (here + 1) % hits.length;
    const range = hits[here], holder = range.startContainer.parentElement;
    holder.closest('details').open = true;
    mark('here', [range]);
    const pre = holder.closest('pre');
    if (pre) pre.scrollTop += range.getBoundingClientRect().top - pre.getBoundingClientRect().top - pre.clientHeight / 2;
    scrollBy({ top: range.getBoundingClientRect().top - innerHeight / 2 });
  }

  at('find').addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(search, 150); });
  at('find').addEventListener('keydown', event => { if (event.key === 'Enter') next(); });
  at('next').addEventListener('click', next);
  at('all').addEventListener('click', () => {
    const open = files.some(file => !file.hidden && !file.open);
    for (const file of files) if (!file.hidden) file.open = open;
  });
})();
