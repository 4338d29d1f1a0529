// Running clocks: every <time data-counts="since|due"> goes on counting, by the server's time and at the story's speed.
// Without this file the page's own words stand: they were true when it was made.
"use strict";
(() => {
  const body = document.body;
  let story = Date.parse(body.dataset.now);
  let speed = Number(body.dataset.speed);
  let real = Date.now();

  const now = () => story + (Date.now() - real) * speed;
  const two = (n) => String(n).padStart(2, "0");

  // As crisis.clocks.span_in_words says it, but to the second below an hour: people watch these run.
  function span(ms) {
    const seconds = Math.floor(Math.abs(ms) / 1000);
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
    if (hours) return `${hours} h ${two(minutes % 60)} min`;
    if (minutes) return `${minutes} min ${two(seconds % 60)} s`;
    return `${seconds} s`;
  }

  function count() {
    for (const time of document.querySelectorAll("time[data-counts]")) {
      const left = Date.parse(time.dateTime) - now();
      let words = span(left);
      if (time.dataset.counts === "due") {
        const late = left < 0;
        words = late ? `${words} late` : `in ${words}`;
        if (late !== time.classList.contains("late")) {
          time.classList.toggle("late", late);
          const clock = time.closest(".clock");
          if (clock) clock.classList.toggle("clock-late", late);
        }
      }
      if (time.textContent !== words) time.textContent = words;
    }
  }

  // The server says what time it is with every beat (live.js): a machine that slept or runs wrong is put right.
  document.addEventListener("fireline:time", (event) => {
    story = Date.parse(event.detail.now);
    speed = Number(event.detail.speed);
    real = Date.now();
    count();
  });
  document.addEventListener("fireline:swapped", count);
  if (Number.isFinite(story) && Number.isFinite(speed)) {
    window.firelineNow = () => new Date(now());
    window.setInterval(count, 1000);
    count();
  }
})();
