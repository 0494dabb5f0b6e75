// One polite status region speaks for the page: at most once in ten seconds, several pieces of news in one sentence.
const region = document.getElementById("announce");
const PAUSE = 10_000;
let waiting = [];
let spoken = -PAUSE;
let timer = 0;

function speak() {
  clearTimeout(timer);
  timer = 0;
  if (!waiting.length) return;
  region.textContent = waiting.join("; ") + ".";
  waiting = [];
  spoken = performance.now();
}

// `at once` is for what cannot wait: an ask to you, a turn of state, a page to you.
export function say(text, atOnce = false) {
  if (!region || !text || "quiet" in document.body.dataset) return;
  const news = text.replace(/[.\s]+$/, "");
  if (!waiting.includes(news)) waiting.push(news);
  const pause = atOnce ? 0 : spoken + PAUSE - performance.now();
  if (pause <= 0) speak();
  else timer ||= setTimeout(speak, pause);
}
