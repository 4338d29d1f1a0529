// Keeps a live page live: what htmx and its SSE extension swap in must not take away what somebody is doing there.
// A piece in which somebody types, or has marked text, waits until they are done; focus and opened <details> stay as they
// were; a line that is lost says so, with the time.
"use strict";
(() => {
  const root = document.getElementById("live");
  if (!root || !window.htmx) return;
  const line = document.getElementById("line");
  const said = document.getElementById("said");
  const waiting = new Map();
  let source = null;
  let place = "";
  let beatAt = Date.now();
  let every = 10;
  let lost = false;
  let ended = false;

  const clock = (date) => `${String(date.getUTCHours()).padStart(2, "0")}:${String(date.getUTCMinutes()).padStart(2, "0")} UTC`;
  let lastTime = window.firelineNow ? window.firelineNow() : new Date();

  function tell(text, bad) {
    if (!line || line.textContent === text) return;
    line.textContent = text;
    line.classList.toggle("line-lost", bad);
  }

  function lose() {
    if (lost || ended) return;
    lost = true;
    tell(`Not live since ${clock(lastTime)}. Trying again; Refresh loads the page anew.`, true);
  }

  // A reconnection goes on where this page had come to, also when the browser gave the first connection up for good.
  window.htmx.createEventSource = (address) => {
    source = new EventSource(place ? `${address}&after=${encodeURIComponent(place)}` : address);
    source.addEventListener("beat", (event) => {
      const told = JSON.parse(event.data);
      place = event.lastEventId || place;
      beatAt = Date.now();
      every = told.every;
      lost = false;
      lastTime = new Date(told.now);
      document.dispatchEvent(new CustomEvent("fireline:time", { detail: told }));
      tell("Live", false);
    });
    source.addEventListener("say", (event) => {
      if (said) said.textContent = event.data;
    });
    source.addEventListener("bye", () => {
      ended = true;
      source.close();
      tell(`Not live since ${clock(lastTime)}: your access has ended. Refresh to sign in again.`, true);
    });
    return source;
  };
  document.addEventListener("htmx:sseError", lose);
  window.setInterval(() => {
    if (Date.now() - beatAt > 3 * every * 1000) lose();
  }, 1000);

  // Browsers allow six connections to one desk: a tab that nobody looks at gives its own back after a while.
  let hiding = 0;
  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(hiding);
    if (document.hidden) {
      hiding = window.setTimeout(() => source && source.close(), 60000);
    } else if (source && source.readyState === EventSource.CLOSED && !ended) {
      source.dispatchEvent(new Event("error"));
    }
  });

  function busy(piece) {
    const active = document.activeElement;
    if (active && piece.contains(active) && active.matches("input, textarea, select, [contenteditable]")) return true;
    const typed = (field) =>
      field.matches("select")
        ? [...field.options].some((option) => option.selected !== option.defaultSelected)
        : field.type === "checkbox" || field.type === "radio"
          ? field.checked !== field.defaultChecked
          : field.type !== "hidden" && field.value !== field.defaultValue;
    if ([...piece.querySelectorAll("input, textarea, select")].some(typed)) return true;
    const marked = document.getSelection();
    return Boolean(marked && !marked.isCollapsed && marked.anchorNode && piece.contains(marked.anchorNode));
  }

  // What an element is called across two renderings: its id, or its words and how many like it came before.
  function names(piece, selector) {
    const seen = new Map();
    return new Map(
      [...piece.querySelectorAll(selector)].map((element) => {
        const own = element.id || element.dataset.key || (element.querySelector("summary") || element).textContent.trim().replace(/\d+/g, "#").slice(0, 80);
        const nth = seen.get(own) || 0;
        seen.set(own, nth + 1);
        return [element, `${element.tagName} ${own} ${nth}`];
      })
    );
  }

  const FOCUSABLE = "a[href], button, summary, [tabindex]";

  function remember(piece) {
    const details = new Map([...names(piece, "details")].map(([element, name]) => [name, element.open]));
    const active = piece.contains(document.activeElement) ? names(piece, FOCUSABLE).get(document.activeElement) : "";
    return () => {
      for (const [element, name] of names(piece, "details")) if (details.has(name)) element.open = details.get(name);
      if (!active) return;
      for (const [element, name] of names(piece, FOCUSABLE)) if (name === active) element.focus({ preventScroll: true });
    };
  }

  let restore = null;
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    const piece = event.target;
    if (busy(piece)) {
      event.preventDefault();
      waiting.set(piece, event.detail.data);
      return;
    }
    waiting.delete(piece);
    restore = remember(piece);
  });
  document.addEventListener("htmx:sseMessage", () => {
    if (restore) restore();
    restore = null;
    document.dispatchEvent(new Event("fireline:swapped"));
  });

  function catchUp() {
    for (const [piece, html] of waiting) {
      if (busy(piece)) continue;
      waiting.delete(piece);
      const back = remember(piece);
      window.htmx.swap(piece, html, { swapStyle: "innerHTML" });
      back();
      document.dispatchEvent(new Event("fireline:swapped"));
    }
  }
  for (const name of ["focusout", "selectionchange", "change", "reset"]) {
    document.addEventListener(name, () => window.setTimeout(catchUp, 0));
  }
})();
