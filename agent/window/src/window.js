// The window's script: it exchanges the secret, shows the pages that this program writes, and sends what is clicked.
'use strict';
(() => {
  const main = document.getElementById('content'), said = document.getElementById('said');
  const ended = document.getElementById('ended'), again = document.getElementById('again');
  // The token lives here and nowhere else: no cookie, no storage, no address.
  let token = '', shown = '', mark = '', over = false, keeps = false, away = false;
  const html = trustedTypes?.createPolicy('kathea', { createHTML: text => text }) ?? { createHTML: text => text };

  const ask = (path, body) => fetch(path, {
    method: body === undefined ? 'GET' : 'POST', body, cache: 'no-store', credentials: 'omit', redirect: 'error',
    headers: { 'x-kathea-token': token },
  });

  function end(why) {
    if (over) return;
    over = true;
    for (const one of ended.querySelectorAll('[data-why]')) one.hidden = one.dataset.why !== why;
    ended.hidden = false;
    main.replaceChildren();
    said.replaceChildren();
  }

  // Times stand in the page in UTC, and are read in local time.
  function local(root) {
    const language = document.documentElement.lang;
    for (const one of root.querySelectorAll('time[datetime]')) {
      const at = new Date(one.dateTime);
      if (!isNaN(at)) one.textContent = at.toLocaleString(language === 'da' ? 'da-DK' : 'en-GB', { dateStyle: 'medium', timeStyle: 'short' });
    }
  }

  const parsed = text => new DOMParser().parseFromString(html.createHTML(text), 'text/html').body;
  const page = () => location.hash.slice(1) || 'start';

  async function fetched(name) {
    const answer = await ask('/page/' + name);
    if (answer.status === 401) { end('wrong'); return null; }
    return parsed(await answer.text());
  }

  async function show(focus) {
    const name = page();
    if (name === 'content') return;
    main.setAttribute('aria-busy', 'true');
    const body = await fetched(name).catch(() => null);
    if (!body || name !== page()) return;
    main.replaceChildren(...body.childNodes);
    main.setAttribute('aria-busy', 'false');
    shown = name;
    for (const link of document.querySelectorAll('nav a')) {
      const is = link.hash === '#' + name.split('/')[0] || (name.startsWith('draft/') && link.hash === '#case');
      if (is) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
    }
    local(main);
    if (focus) { main.focus(); scrollTo(0, 0); }
  }

  // Replaces what changes of itself; forms stay as they are while somebody types.
  async function refresh() {
    const name = page();
    if (name !== shown) return;
    const body = await fetched(name).catch(() => null);
    if (!body || name !== page()) return;
    // A page that could not be shown comes as soon as it can; one that is there stays, with what was typed, and says why.
    const why = body.querySelector('#why');
    if (!why && main.querySelector('#why')) return show(false);
    if (!why && away) said.replaceChildren();
    away = Boolean(why) && !main.querySelector('#why');
    if (away) said.replaceChildren(...why.querySelectorAll('.card'));
    local(body);
    const parts = body.querySelectorAll('[data-live]');
    for (const fresh of parts) {
      const old = document.getElementById(fresh.id);
      if (!old || old.outerHTML === fresh.outerHTML) continue;
      // What somebody chooses or types right now is not taken from under their hands.
      const dirty = one => one.value !== one.defaultValue || one.checked !== one.defaultChecked;
      if ([...old.querySelectorAll('input, textarea')].some(dirty)) continue;
      const inside = old.contains(document.activeElement);
      const at = inside ? [...old.querySelectorAll('a, button')].indexOf(document.activeElement) : -1;
      old.replaceWith(fresh);
      if (at >= 0) fresh.querySelectorAll('a, button')[at]?.focus();
    }
  }

  // One stream tells when something changed; when it ends, so does the program.
  async function live() {
    for (let tries = 0; tries < 5 && !over; tries++) {
      try {
        const answer = await ask('/api/live');
        if (answer.status === 401) return end('wrong');
        const reader = answer.body.getReader(), decoder = new TextDecoder();
        let text = '';
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          tries = 0;
          text += decoder.decode(value, { stream: true });
          const lines = text.split('\n');
          text = lines.pop();
          for (const line of lines) {
            const [now, tried] = line.split(' ');
            again.hidden = tried !== 'again';
            if (mark && now !== mark) refresh();
            mark = now;
          }
        }
      } catch { /* the next try */ }
      await new Promise(next => setTimeout(next, 1000));
    }
    end('gone');
  }

  async function act(form, button) {
    const body = new URLSearchParams(new FormData(form));
    button.disabled = true;
    try {
      const answer = await ask('/do/' + form.dataset.do, body);
      if (answer.status === 401) return end('wrong');
      said.replaceChildren(...parsed(await answer.text()).childNodes);
      local(said);
      if (answer.ok) {
        const go = said.querySelector('[data-go]')?.dataset.go;
        if (go && go !== page()) { keeps = true; location.hash = go; } else await show(false);
      }
      said.scrollIntoView({ block: 'nearest' });
    } catch { said.textContent = document.documentElement.lang === 'da' ? 'Vinduet svarede ikke: intet er ændret.' : 'The window did not answer: nothing was changed.'; }
    button.disabled = false;
  }

  async function download(button) {
    button.disabled = true;
    const answer = await ask(button.dataset.file).catch(() => null);
    if (answer?.ok) {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(await answer.blob());
      link.download = button.dataset.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    } else if (answer) {
      said.replaceChildren(...parsed(await answer.text()).childNodes);
    }
    button.disabled = false;
  }

  function search(input) {
    const words = input.value.trim().toLowerCase();
    const within = input.dataset.filter ? main.querySelectorAll(input.dataset.filter) : main.querySelectorAll('details.file');
    for (const one of within) one.hidden = words !== '' && !one.textContent.toLowerCase().includes(words);
  }

  addEventListener('submit', event => {
    event.preventDefault();
    act(event.target, event.submitter ?? event.target.querySelector('button'));
  });
  addEventListener('click', event => {
    const button = event.target.closest('button');
    if (button?.dataset.file) download(button);
    else if (button?.dataset.print !== undefined) print();
    else if (button?.id === 'all') {
      const all = [...main.querySelectorAll('details')], open = all.some(one => !one.open);
      for (const one of all) one.open = open;
    }
  });
  addEventListener('input', event => { if (event.target.type === 'search') search(event.target); });
  addEventListener('change', event => {
    if (event.target.name !== 'language') return;
    document.documentElement.lang = event.target.id;
    local(document);
  });
  addEventListener('beforeprint', () => { for (const one of document.querySelectorAll('details')) one.open = true; });
  addEventListener('hashchange', () => {
    if (!token || over) return;
    // What an answer said stays on the page that it leads to.
    if (!keeps) said.replaceChildren();
    keeps = false;
    show(true);
  });

  (async () => {
    const secret = location.hash.slice(1);
    history.replaceState(null, '', '/#start');
    if (secret.length < 40) return end('reloaded');
    const answer = await fetch('/api/exchange', { method: 'POST', body: secret, cache: 'no-store', credentials: 'omit' });
    if (!answer.ok) return end(answer.status === 410 ? 'used' : 'wrong');
    token = await answer.text();
    live();
    await show(false);
  })().catch(() => end('gone'));
})();
