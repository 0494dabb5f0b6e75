// Ages go on while a page stays open. They say the same as raglan.ui.wording; the exact time stays in <time datetime>.
const MINUTE = 60, HOUR = 3600, DAY = 86400;
const served = Date.parse(document.body.dataset.now ?? "");
const ahead = Number.isNaN(served) ? 0 : served - Date.now();

function rough(seconds) {
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`;
  const days = Math.floor(seconds / DAY);
  return days === 1 ? "1 day" : `${days} days`;
}

function exact(seconds) {
  if (seconds < MINUTE) return `${Math.max(0, seconds)} s`;
  const minutes = Math.floor((seconds % HOUR) / MINUTE);
  if (seconds >= HOUR && seconds < DAY && minutes) return `${Math.floor(seconds / HOUR)} h ${minutes} min`;
  return rough(seconds);
}

export function age(seconds) {
  if (Math.abs(seconds) < MINUTE) return seconds >= 0 ? "just now" : "in a moment";
  return seconds > 0 ? `${rough(seconds)} ago` : `in ${rough(-seconds)}`;
}

export function tick() {
  const now = Date.now() + ahead;
  for (const time of document.querySelectorAll("time[data-age]")) {
    const seconds = Math.trunc((now - Date.parse(time.dateTime)) / 1000);
    const words = time.dataset.age === "since" ? exact(seconds) : age(seconds);
    if (time.textContent !== words) time.textContent = words;
  }
}

setInterval(tick, 10_000);
document.addEventListener("visibilitychange", () => document.hidden || tick());
