// Whether a page's text fits where it stands. Runs in the page, so it uses nothing from outside of itself.

/** What is wrong: words that a line's end cuts in two, text beside the window or behind an edge, letters below 11 px. */
export function fits() {
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const style = getComputedStyle(element);
    if (element.closest('.skip, .languages legend, noscript, script, style') || getComputedStyle(element.closest('thead') ?? element).position === 'absolute') continue;
    const say = (what, text) => found.add(`${what}: ${element.tagName.toLowerCase()} ${text.trim().slice(0, 60)}`);
    const size = parseFloat(style.fontSize) * (element.closest('svg')?.getScreenCTM().a ?? 1);
    if (size < 11) say(`${size.toFixed(1)} px`, node.data);
    // What stands in a scroller of its own is reached by scrolling; anything else has to be inside of the window.
    let scroller = element;
    while (scroller && !/auto|scroll/.test(getComputedStyle(scroller).overflowX)) scroller = scroller.parentElement;
    // Names of machines have no place to break: digests, paths, commands.
    const isCode = element.closest('code, pre, .mono, .id, .typed, .data, time') !== null;
    for (const word of node.data.matchAll(/[\p{L}\d]+/gu)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const lines = [...range.getClientRects()].filter(rect => rect.width > 0);
      if (!lines.length) continue;
      const isBroken = lines.some(line => Math.abs(line.top - lines[0].top) > 3);
      if (isBroken && !isCode && word[0].length <= 24) say('broken word', `${word[0]} in ${node.data}`);
      if (!scroller && lines.some(line => line.right > innerWidth + 1 || line.left < -1)) say('outside', word[0]);
      for (let edge = element; edge && edge !== document.body; edge = edge.parentElement) {
        if (getComputedStyle(edge).overflowX !== 'hidden' && getComputedStyle(edge).overflowX !== 'clip') continue;
        const rect = edge.getBoundingClientRect();
        if (lines.some(line => line.right > rect.right + 1 || line.bottom > rect.bottom + 2)) say('clipped', word[0]);
      }
    }
  }
  // What only fits by scrolling sideways hides a column from whoever does not try: a region that says so may.
  for (const box of document.querySelectorAll('.wide-table, .scroll, figure, pre, details > div')) {
    const more = box.scrollWidth - box.clientWidth;
    if (box.checkVisibility() && more > 1 && !box.matches('[role=region][tabindex]')) found.add(`scrolls sideways by ${more} px: ${box.id || box.innerText.trim().slice(0, 40)}`);
  }
  return [...found];
}
