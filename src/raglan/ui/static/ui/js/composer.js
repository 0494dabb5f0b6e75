// What is typed stays on this device until the server has it (words.js). Each entry carries its own key, so that sending it
// twice posts it once; its time is when it was written. Its files stay beside it (kept.js). Where it stays is named by the
// room and by the person: what another one wrote on this device is never shown nor sent. Each tab has a draft of its own;
// what waits to be sent is shown in all tabs of the room, and one of them sends it (tabs.js).
// Without this file the form posts as any form does.
import { say } from "./announce.js";
import { choose, fill, form, measure, named, pick, picked, picker, text } from "./fields.js";
import { forget, keep, kept } from "./kept.js";
import * as queued from "./queue.js";
import { post } from "./sending.js";
import { alone, isOpen, own, whileFree } from "./tabs.js";
import * as words from "./words.js";

const PAUSES = [2_000, 5_000, 10_000, 30_000];
const FOR_FILES = 3_000, OTHERS = 30_000;
const room = form?.dataset.composer;
const list = document.querySelector("[data-unsent]");
const held = new Map();
let failures = 0, timer = 0, sending = false, again = false, missed = [], tab = "", signedOut = false, left = {};
const ASKED = ["to", "to_topic", "otherwise", "after"];

// ---- the draft: words, kind, whom it asks, and files; where a device keeps no files it says which ones are missing

const drafted = () => `draft:${room}:${tab}`, waiting = (key) => `entry:${key}`;

function draft() {
  const kind = form.querySelector("[name=kind]:checked")?.value, files = named(picked());
  const asked = ASKED.map((name) => [name, form.elements[name]?.value ?? ""]);
  return { at: Date.now(), key: form.elements.entry_key.value, text: text.value, kind, asked, files: files.length ? files : missed };
}

function keepDraft() {
  if (picked().length) miss([]);
  if (!tab || signedOut) return;
  const now = draft();
  if (now.text || now.files.length) words.write(drafted(), now);
  else words.drop(drafted());
}

// A field says that it changed when it is left, as a page that closes does, also where its words were kept as they were typed.
function keepChange() {
  if (says(words.read(drafted())) !== says(draft())) keepDraft();
}

function keepFiles() {
  if (tab && !signedOut) keep(drafted(), picked());
  keepDraft();
}

function miss(files) {
  const note = form.querySelector("[data-lost]");
  missed = files;
  if (note) note.hidden = !files.length;
  if (note) note.textContent = `Your words are back, their files are not: ${files.join(", ")}. Choose them again.`;
}

// The tab's own draft comes back; a tab without one takes over what a tab left that is gone.
async function begin() {
  tab = await own();
  if (words.read(drafted())) return restore(drafted());
  const at = (name) => words.read(name)?.at ?? 0;
  const others = words.names("draft", room).sort((one, other) => at(other) - at(one));
  for (const name of others) {
    if (text.value || picked().length) break;
    await whileFree(name.split(":")[3] ?? "", () => restore(name));
  }
  if (text.value || picked().length) keepFiles();
}

async function restore(name) {
  const old = words.read(name);
  if (!words.recent(old?.at)) return words.drop(name);
  const isOwn = name === drafted();
  if (text.value && !isOwn) return; // somebody types already: another tab's words come back another time
  if (text.value && old.text && !text.value.includes(old.text)) {
    text.value = `${old.text}\n${text.value}`; // typed while the page came up
    measure();
  } else if (old.text && !text.value) {
    text.value = old.text;
    form.elements.entry_key.value = old.key ?? form.elements.entry_key.value; // it may be that of an entry on its way
    measure();
    if (!location.search.includes("kind=")) choose(old.kind);
    if (!location.search.includes("to=")) fill(old.asked ?? []);
  }
  if (old.files?.length && !picked().length) {
    const files = await soon(kept(name)) ?? [];
    if (picked().length) return;
    pick(files);
    miss(old.files.filter((one) => !named(files).includes(one)));
  }
  if (isOwn) return keepDraft();
  keepFiles();
  words.drop(name);
  forget(name);
}

// A page that comes back as it was (its tab went on, and back) may have lost its draft meanwhile: another tab took it over,
// or somebody signed out. What it showed goes then, unless more was typed. Where a later page of this tab wrote on, that is
// what it shows.
function leave() {
  left = { text: text.value, draft: tab ? words.read(drafted()) : null };
}

async function comeBack() {
  const before = tab;
  tab = ""; // until it is known whose the draft is, this one keeps nothing
  const name = await own();
  const stored = name === before ? words.read(`draft:${room}:${before}`) : null, isAsLeft = text.value === left.text;
  tab = name;
  signedOut = words.read(`left:${room.split(":").at(-1)}`) !== null;
  if (signedOut || (!stored && left.draft && isAsLeft)) clearForm();
  else if (!stored || says(stored) === says(left.draft)) keepFiles();
  else {
    if (isAsLeft) emptyForm();
    await restore(drafted());
  }
  changed();
  flush();
}

const says = (one) => JSON.stringify([one?.text, one?.files, one?.kind, one?.asked]);

// Words go without their files rather than never, where a device does not answer.
function soon(answer) {
  return Promise.race([answer, new Promise((done) => { setTimeout(done, FOR_FILES); })]);
}

function emptyForm() {
  form.reset();
  form.elements.entry_key.value = words.newKey();
  miss([]);
  measure();
}

function clearForm() {
  emptyForm();
  keepFiles();
}

// ---- the queue: each entry under its own name, for all tabs of the room

// What was written while nobody was signed in here is kept once somebody is.
function keepAgain() {
  for (const entry of queued.unkept()) {
    put(entry);
    if (held.has(entry.key)) keep(waiting(entry.key), held.get(entry.key));
  }
  keepFiles();
}

function put(entry) {
  queued.put(room, entry, !signedOut);
}

function take() {
  const fields = [...new FormData(form)].filter(([name, value]) => name !== "csrfmiddlewaretoken" && typeof value === "string");
  const label = form.querySelector("[name=kind]:checked")?.closest("label")?.textContent.trim() ?? "";
  const key = form.elements.entry_key.value, files = picked();
  if (files.length) held.set(key, files);
  if (!signedOut) keep(waiting(key), files);
  put({ key, tab, at: new Date().toISOString(), fields, label, text: text.value, files: named(files), refused: "" });
  clearForm();
  changed();
  flush();
  stay();
}

// A field that held a long text is small again: whoever wrote it stays with it, and not far below.
function stay() {
  const { top, bottom } = text.getBoundingClientRect();
  if (bottom < 0 || top > innerHeight) text.scrollIntoView({ block: "center" });
}

function changed() {
  draw();
  document.dispatchEvent(new CustomEvent("raglan:waiting", { detail: queued.queue(room).length }));
}

async function flush() {
  clearTimeout(timer);
  if (sending) { again = true; return; }
  sending = true;
  again = false;
  try {
    await alone(room, sendAll);
    failures = 0;
  } catch {
    again = false;
    draw();
    timer = setTimeout(flush, PAUSES[Math.min(failures++, PAUSES.length - 1)]);
  } finally {
    sending = false;
  }
  if (again) flush();
}

// An entry whose files only another tab has is that one's to send, while it is open.
async function sendAll() {
  const left = new Set();
  for (let entry; (entry = queued.queue(room).find((one) => !one.refused && !left.has(one.key)));) {
    const files = await filesOf(entry), lost = (entry.files?.length ?? 0) > files.length;
    if (!queued.waits(room, entry)) continue;
    if (lost && entry.tab !== tab && await isOpen(entry.tab)) left.add(entry.key);
    else await send(entry, files, lost);
  }
}

async function filesOf(entry) {
  if (!entry.files?.length) return [];
  return held.get(entry.key) ?? await soon(kept(waiting(entry.key))) ?? [];
}

// Whoever changes it meanwhile, here or in another tab, keeps its key: the same words are not posted twice.
async function send(entry, files, lost) {
  const refused = await post(form, entry, files), isSame = queued.waits(room, entry);
  if (refused) {
    if (isSame) put({ ...entry, refused });
    say(`Not sent: ${refused}`, true);
  } else {
    if (isSame) {
      queued.remove(room, entry);
      held.delete(entry.key);
      forget(waiting(entry.key));
    } else if (form.elements.entry_key.value === entry.key) say("This entry was sent as it was. Other words go as another entry.", true);
    else queued.tellSent(room, entry);
    if (lost) say("An entry was sent without its files. Choose them again: Correct, under the entry.", true);
    document.dispatchEvent(new CustomEvent("raglan:refresh"));
  }
  changed();
}

// ---- what waits is shown as an entry that is not sent yet

function draw() {
  list?.replaceChildren(...queued.queue(room).map(row));
  if (list) list.hidden = !list.children.length;
}

function row(entry) {
  const item = document.getElementById("unsent").content.firstElementChild.cloneNode(true);
  const time = new Date(entry.at);
  item.querySelector("time").textContent = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: document.body.dataset.zone || undefined });
  item.querySelector("[data-kind-word]").textContent = entry.label;
  item.querySelector("[data-text]").textContent = [entry.text.slice(0, 400), ...entry.files ?? []].filter(Boolean).join(" · ");
  item.querySelector("[data-refused]").textContent = entry.refused;
  item.querySelector("[data-again]").addEventListener("click", () => { put({ ...entry, refused: "" }); changed(); flush(); });
  item.querySelector("[data-edit]").addEventListener("click", () => edit(entry));
  return item;
}

async function edit(entry) {
  queued.remove(room, entry);
  if (text.value.trim()) text.value += `\n${entry.text}`;
  else text.value = entry.text;
  form.elements.entry_key.value = entry.key;
  fill(entry.fields);
  measure();
  changed();
  open();
  const files = await filesOf(entry);
  pick([...picked(), ...files]);
  miss(files.length ? [] : entry.files ?? []);
  forget(waiting(entry.key));
  keepFiles();
}

function open() {
  form.closest("section").classList.add("open");
  text.focus();
}

// ---- wiring

// What another tab keeps is shown here, and sent from here when that one does not. Whoever signed out there keeps nothing.
addEventListener("storage", ({ key, newValue }) => {
  if (!form) return;
  if (key === `raglan:left:${room.split(":").at(-1)}`) {
    signedOut = newValue !== null;
    if (signedOut) clearForm();
    else keepAgain();
  } else if (key === `raglan:sent:${room}:${form.elements.entry_key.value}`) {
    if (newValue !== null) say("Another tab has sent this entry as it was. Other words go as another entry.", true);
    return;
  } else if (key !== null && !key.startsWith(`raglan:entry:${room}:`)) return;
  changed();
  if (sending || !queued.queue(room).some((entry) => !entry.refused)) return;
  clearTimeout(timer);
  timer = setTimeout(flush, OTHERS);
});

if (form) {
  form.elements.entry_key.value = words.newKey();
  words.sortOld(room);
  begin();
  measure();
  draw();
  form.addEventListener("input", keepDraft);
  text.addEventListener("input", measure);
  text.addEventListener("paste", (event) => {
    const files = [...event.clipboardData?.files ?? []];
    if (!files.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    pick([...picked(), ...files]);
    keepFiles();
    say(`Attached: ${named(files).join(", ")}`);
  });
  form.addEventListener("change", keepChange);
  picker?.addEventListener("change", keepFiles);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (text.value.trim() || picker?.files.length) take();
    else text.focus();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-kind]");
    if (!link) return;
    event.preventDefault();
    choose(link.dataset.kind);
    open();
  });
  addEventListener("online", flush);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) comeBack(); });
  if (queued.queue(room).length) { changed(); flush(); }
}
