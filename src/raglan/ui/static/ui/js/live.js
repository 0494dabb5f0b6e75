// Keeps a page up to date. The stream carries names of what changed: each region that shows a changed name is fetched
// again, with the reader's own rights, and put in place. What all may read, a new entry, comes with the stream itself.
// Without a stream the page asks every 30 seconds.
import { say } from "./announce.js";
import { morph, mustWait, parse } from "./morph.js";
import { unfold } from "./wide.js";
import { within } from "./within.js";

const QUIET = 15_000, LOST = 30_000, POLL = 30_000, GAP = 600, REST = 20_000, NOTE = 6_000;
const body = document.body;
const mark = document.getElementById("live");
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: body.dataset.zone || undefined });
let source, lastId = body.dataset.liveSince ?? "", lastWord = Date.now(), lastPoll = 0;
let state = "still", lostAt = 0, retry = 0, waitingEntries = 0, signedOut = false, resting = 0, missed = 0, catching = false, noteUntil = 0, pace = 0;

unfold(document);

// ---- regions

const regions = new Map();

function facts(region) {
  if (!regions.has(region)) regions.set(region, { busy: false, again: false, timer: 0, last: 0, took: 0, held: "", count: 0, told: Promise.resolve() });
  return regions.get(region);
}

function all() {
  return [...document.querySelectorAll("[data-live][data-src]")];
}

// Both sides may end in ":*", which stands for all of a kind; "*" alone is everything.
function covers(pattern, name) {
  return pattern === "*" || pattern === name || (pattern.endsWith(":*") && name.startsWith(pattern.slice(0, -1)));
}

function shows(region, names) {
  return region.dataset.live.split(/\s+/).some((topic) => names.some((name) => covers(topic, name) || covers(name, topic)));
}

function touch(names) {
  for (const region of all()) if (shows(region, names)) soon(region);
}

// The first change is fetched at once; in a storm the next ones wait for their turn. Where there is a crowd its readers
// take turns, but for those who are in the room.
function soon(region) {
  const fact = facts(region);
  if (fact.busy) { fact.again = true; return; }
  const pause = Math.max(GAP, 3 * fact.took, 1000 * (region.dataset.rest ?? 0)) - (Date.now() - fact.last);
  fact.timer ||= setTimeout(() => refresh(region), Math.max(0, pause) + turn());
}

function turn() {
  return document.querySelector("[data-here]") ? 0 : Math.random() * pace;
}

async function refresh(region) {
  const fact = facts(region);
  clearTimeout(fact.timer);
  Object.assign(fact, { busy: true, again: false, timer: 0, last: Date.now() });
  let fresh = 0;
  try {
    const answer = await fetch(region.dataset.src, { headers: { "X-Raglan-Part": "1" }, signal: within(LOST / 2) });
    if (answer.status === 401 || (answer.redirected && /\/login\//.test(answer.url))) leave();
    else if (answer.ok) fresh = await place(region, await answer.text());
    else if (answer.status === 404) location.reload(); // what it showed is not there any more, or not for this reader
    else if (answer.status >= 500) throw new Error(String(answer.status));
  } finally {
    Object.assign(fact, { busy: false, took: Date.now() - fact.last });
    if (fact.again) soon(region);
  }
  return fresh;
}

async function refreshAll() {
  const counts = await Promise.all(all().map(refresh));
  return counts.reduce((sum, count) => sum + count, 0);
}

// ---- placing

const told = new Set();
let pillButton = null;

async function place(region, html) {
  const fresh = parse(html), fact = facts(region), news = newIn(region, fresh);
  const untold = speak(news);
  if (catching || state !== "live") missed += untold;
  const waits = mustWait(region, fresh);
  if (waits || (news.length && past(region))) Object.assign(fact, { held: html, count: news.length });
  else await put(region, html);
  if (!waits && fact.held) takeOut(region, fresh);
  pill();
  return untold;
}

async function put(region, html) {
  Object.assign(facts(region), { held: "", count: 0 });
  await morph(region, html);
  unfold(region);
}

// New entries as everybody may read them. One whose place is not sure is fetched with its whole region, as is a region
// that does not say that a plain entry changes nothing in it.
function tell({ room, entries, html }) {
  for (const region of all().filter((one) => shows(one, [room]))) {
    const fact = facts(region);
    if ("count" in region.dataset) fact.told = fact.told.then(() => add(region, entries, parse(html))).catch(() => soon(region));
    else if (!("plain" in region.dataset)) soon(region);
  }
}

async function add(region, entries, fresh) {
  const fact = facts(region), box = document.createElement("div");
  if (fact.busy || new URL(region.dataset.src, location.href).search) return soon(region);
  box.append(parse(fact.held || region.innerHTML));
  const at = (id) => box.querySelector(`#e${id}`);
  for (const { id, before } of entries.filter((entry) => !at(entry.id))) {
    if (!at(before)) return soon(region);
    at(before).before(fresh.querySelector(`#e${id}`));
  }
  return place(region, box.innerHTML);
}

const when = (item) => Date.parse(item?.querySelector("time")?.dateTime ?? "");
const lastOf = (place, region) => [...place.querySelectorAll(region.dataset.count)].at(-1);

// What is older than all that is shown moved up into a list of the newest, after others were taken out: that is no news.
function newIn(region, fresh) {
  if (!region.dataset.count) return [];
  const last = when(lastOf(region, region));
  return [...fresh.querySelectorAll(region.dataset.count)].filter((item) => item.id && !document.getElementById(item.id) && !(when(item) < last));
}

// What was taken out goes, also where news wait; what was only pushed out of the list is older than the last of it.
function takeOut(region, fresh) {
  const last = when(lastOf(fresh, region));
  for (const item of region.querySelectorAll(region.dataset.count)) {
    if (item.id && !fresh.getElementById(item.id) && when(item) > last) item.remove();
  }
}

function speak(news) {
  const untold = news.filter((item) => !told.has(item.id));
  for (const item of untold) told.add(item.id);
  const spoken = untold.filter((item) => item.dataset.say);
  for (const item of spoken) say(item.dataset.say, "sayNow" in item.dataset);
  const rest = untold.length - spoken.length;
  if (rest) say(rest === 1 ? "1 new entry" : `${rest} new entries`);
  return untold.length;
}

// The reader has scrolled into this region: nothing may move, so that a pill says how much is new above.
function past(region) {
  return "count" in region.dataset && region.getBoundingClientRect().top < 0;
}

function pill() {
  const count = [...regions.values()].reduce((sum, fact) => sum + fact.count, 0);
  if (!count) { pillButton?.remove(); pillButton = null; return; }
  if (!pillButton) {
    pillButton = Object.assign(document.createElement("button"), { className: "btn main pill", type: "button" });
    pillButton.addEventListener("click", () => release(true));
    document.querySelector("main").prepend(pillButton);
  }
  pillButton.textContent = `${count} new`;
}

async function release(asked) {
  for (const [region, fact] of regions) {
    if (!fact.held || (!asked && past(region)) || mustWait(region, parse(fact.held))) continue;
    await put(region, fact.held);
    if (asked && "count" in region.dataset) region.scrollIntoView({ block: "start" });
  }
  pill();
}

addEventListener("scroll", () => pillButton && release(false), { passive: true });
document.addEventListener("focusout", () => setTimeout(release, 0, false));

// ---- the stream

function topicsOf(data) {
  try {
    const value = JSON.parse(data);
    return Array.isArray(value) ? value : value.topics ?? value.names ?? [];
  } catch {
    return String(data).split(/[\s,]+/).filter(Boolean);
  }
}

function heard(event) {
  lastWord = Date.now();
  retry = 0;
  if (event.lastEventId) lastId = event.lastEventId;
  if (state === "lost" || state === "poll") back();
  else show("live");
}

function connect() {
  source?.close();
  const address = new URL("/live", location.href);
  address.searchParams.set("topics", body.dataset.liveTopics);
  if (lastId) address.searchParams.set("since", lastId);
  source = new EventSource(address);
  for (const name of ["open", "hello", "beat", "message", "told", "pace", "reload"]) source.addEventListener(name, heard);
  source.addEventListener("message", (event) => touch(topicsOf(event.data)));
  source.addEventListener("told", (event) => tell(JSON.parse(event.data)));
  source.addEventListener("pace", (event) => { pace = Number(event.data); });
  source.addEventListener("hello", greeted);
  source.addEventListener("reload", () => refreshAll().catch(() => {}));
  source.addEventListener("error", failed);
}

// A page that does not say which event it has seen may have missed one between its making and this stream.
function greeted() {
  if (body.dataset.liveSince === undefined) refreshAll().catch(() => {});
  body.dataset.liveSince ??= lastId;
}

// The browser goes on by itself unless the server answered with an error; then the page has to.
function failed() {
  if (source.readyState !== EventSource.CLOSED || signedOut) return;
  retry += 1;
  setTimeout(connect, Math.min(15_000, 500 * 2 ** retry) * (0.5 + Math.random()));
}

async function watch() {
  if (signedOut || resting < 0) return;
  const quiet = Date.now() - lastWord;
  if (quiet < QUIET) return;
  if (quiet < LOST) { if (state === "live") show("wait"); return; }
  if (Date.now() - lastPoll < POLL) return;
  lastPoll = Date.now();
  try {
    await refreshAll();
    if (Date.now() - lastWord < LOST) return;
    if (state === "lost") caughtUp();
    missed = 0;
    show("poll");
  } catch {
    if (Date.now() - lastWord >= LOST) show("lost");
  }
}

// A browser gives few streams to one address; a page that nobody looks at gives its own back after a while.
function rest() {
  clearTimeout(resting);
  if (document.hidden) {
    resting = setTimeout(() => { resting = -1; source.close(); }, REST);
  } else {
    if (resting < 0) { lastWord = Date.now(); show("wait"); connect(); }
    resting = 0;
    watch();
  }
}

async function back() {
  const before = state;
  catching = true;
  show("live");
  try {
    await new Promise((resolve) => setTimeout(resolve, turn()));
    await refreshAll();
    if (before === "lost" || missed) caughtUp();
  } catch {
    lastWord = 0;
  } finally {
    catching = false;
  }
}

function caughtUp() {
  const words = missed ? `Caught up, ${missed} new ${missed === 1 ? "entry" : "entries"}` : "Caught up, nothing new";
  missed = 0;
  noteUntil = Date.now() + NOTE;
  mark.textContent = words;
  say(words, true);
  setTimeout(() => show(state), NOTE);
}

// ---- what is shown

function show(next) {
  if (next === "lost" && state !== "lost") lostAt = lastWord;
  state = next;
  const time = clock.format(state === "poll" ? lastPoll : lastWord);
  const words = { live: `Live, ${time}`, wait: "Reconnecting", lost: "Not connected", poll: `Checked ${time}`, still: `As of ${time}` };
  if (Date.now() >= noteUntil || state === "lost") mark.textContent = words[state];
  mark.className = `live ${{ live: "", wait: "wait", lost: "late", poll: "still", still: "still" }[state]}`.trim();
  banner(state === "lost");
}

let bannerBox = null;

function banner(needed) {
  if (!needed && !signedOut) { bannerBox?.remove(); bannerBox = null; return; }
  if (!bannerBox) {
    bannerBox = document.getElementById("lost").content.firstElementChild.cloneNode(true);
    bannerBox.querySelector("[data-try]").addEventListener("click", tryNow);
    document.querySelector("main").before(bannerBox);
  }
  bannerBox.querySelector("[data-since]").textContent = signedOut ? "You are signed out." : `Connection lost at ${clock.format(lostAt).slice(0, 5)}.`;
  bannerBox.querySelector("[data-sign-in]").hidden = !signedOut;
  bannerBox.querySelector("[data-try]").hidden = signedOut;
  const kept = waitingEntries === 1 ? "1 entry is" : `${waitingEntries} entries are`;
  bannerBox.querySelector("[data-kept]").textContent = waitingEntries ? `${kept} kept here and will be sent.` : "What you write is kept here.";
}

function tryNow() {
  lastPoll = 0;
  retry = 0;
  connect();
}

function leave() {
  signedOut = true;
  source?.close();
  show("lost");
}

document.addEventListener("raglan:waiting", (event) => { waitingEntries = event.detail; banner(state === "lost"); });
document.addEventListener("raglan:refresh", () => refreshAll().catch(() => {}));
document.addEventListener("visibilitychange", rest);
addEventListener("online", tryNow);
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => { if (event.persisted) { connect(); refreshAll().catch(() => {}); } });
setInterval(watch, 1000);
connect();
