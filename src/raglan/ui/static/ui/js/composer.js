// What is typed stays on this device until the server has it. Each entry carries its own key, so that sending it twice
// posts it once; its time is when it was written. Its files stay beside it (kept.js). Where it stays is named by the room
// and by the person: what another one wrote on this device is never shown nor sent. After two weeks it is dropped.
// Without this file the form posts as any form does.
import { say } from "./announce.js";
import { forget, keep, kept, tidy } from "./kept.js";

const PAUSES = [2_000, 5_000, 10_000, 30_000];
const LONG = 20_000, MOST = 300_000;
const PATIENCE = 20_000, BYTES_A_MS = 20, FOR_FILES = 3_000;
const DAYS = 14 * 86_400_000, recent = (at) => Date.now() - new Date(at ?? NaN) < DAYS;
const form = document.querySelector("form[data-composer]");
const text = form?.querySelector("textarea");
const room = form?.dataset.composer;
const picker = form?.querySelector("[type=file]");
const list = document.querySelector("[data-unsent]");
const held = new Map();
const store = {
  read: (name) => { try { return JSON.parse(localStorage.getItem(`raglan:${name}:${room}`)); } catch { return null; } },
  write: (name, value) => { try { localStorage.setItem(`raglan:${name}:${room}`, JSON.stringify(value)); } catch { /* full or forbidden: the page still posts */ } },
};
let queue = (store.read("queue") ?? []).filter((entry) => recent(entry.at));
let failures = 0, timer = 0, sending = false, missed = [];
const ASKED = ["to", "to_topic", "otherwise", "after"];

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---- the draft: words, kind, whom it asks, and files; where a device keeps no files it says which ones are missing

const picked = () => [...picker?.files ?? []];
const named = (files) => files.map((file) => file.name);
const drafted = `draft:${room}`, waiting = (key) => `entry:${key}`;

function keepDraft() {
  const kind = form.querySelector("[name=kind]:checked")?.value, files = named(picked());
  const asked = ASKED.map((name) => [name, form.elements[name]?.value ?? ""]);
  if (files.length) miss([]);
  store.write("draft", { at: Date.now(), text: text.value, kind, asked, files: files.length ? files : missed });
}

function keepFiles() {
  keep(drafted, picked());
  keepDraft();
}

function miss(files) {
  const note = form.querySelector("[data-lost]");
  missed = files;
  if (note) note.hidden = !files.length;
  if (note) note.textContent = `Your words are back, their files are not: ${files.join(", ")}. Choose them again.`;
}

async function restoreDraft() {
  const stored = store.read("draft"), draft = recent(stored?.at) ? stored : null;
  form.elements.entry_key.value = newKey();
  if (draft?.text && !text.value) {
    text.value = draft.text;
    if (!location.search.includes("kind=")) choose(draft.kind);
    if (!location.search.includes("to=")) fill(draft.asked ?? []);
  }
  if (!draft?.files?.length || picked().length) return;
  const files = await kept(drafted);
  if (picked().length) return;
  pick(files);
  miss(draft.files.filter((name) => !named(files).includes(name)));
}

function fill(fields) {
  for (const [name, value] of fields) {
    const field = form.elements[name];
    if (name === "kind") choose(value);
    else if (field?.matches?.("select, input:not([type=hidden])")) field.value = value;
    if (field?.matches?.("select") && field.selectedIndex < 0) field.selectedIndex = 0;
  }
}

function choose(kind) {
  const radio = form.querySelector(`[name=kind][value="${CSS.escape(kind ?? "")}"]`);
  if (!radio) return;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
}

// ---- long texts and files

function measure() {
  const long = form.querySelector("[data-long]"), length = text.value.trim().length;
  if (long) long.hidden = length <= LONG;
  text.setCustomValidity(length > MOST ? `An entry takes ${MOST.toLocaleString("en-GB")} characters, this has ${length.toLocaleString("en-GB")}. Attach it as a file.` : "");
}

function pick(files) {
  if (!picker) return;
  const chosen = new DataTransfer();
  for (const file of files) chosen.items.add(file);
  picker.files = chosen.files;
}

function clearForm() {
  form.reset();
  form.elements.entry_key.value = newKey();
  miss([]);
  keepFiles();
  measure();
}

// ---- the queue

function take() {
  const fields = [...new FormData(form)].filter(([name, value]) => name !== "csrfmiddlewaretoken" && typeof value === "string");
  const label = form.querySelector("[name=kind]:checked")?.closest("label")?.textContent.trim() ?? "";
  const key = form.elements.entry_key.value, files = picked();
  if (files.length) held.set(key, files);
  keep(waiting(key), files);
  queue.push({ key, at: new Date().toISOString(), fields, label, text: text.value, files: named(files), refused: "" });
  clearForm();
  changed();
  flush();
}

function changed() {
  store.write("queue", queue);
  draw();
  document.dispatchEvent(new CustomEvent("raglan:waiting", { detail: queue.length }));
}

async function flush() {
  clearTimeout(timer);
  if (sending) return;
  sending = true;
  try {
    await ready;
    for (let entry; (entry = queue.find((one) => !one.refused));) await send(entry);
    failures = 0;
  } catch {
    draw();
    timer = setTimeout(flush, PAUSES[Math.min(failures++, PAUSES.length - 1)]);
  } finally {
    sending = false;
  }
}

// Only an answer settles an entry. No answer, or a fault of the server, means: the same entry again, later. 507 is an
// answer: there is no room for its files, and asking again makes none.
async function send(entry) {
  const data = new FormData();
  for (const [name, value] of entry.fields) data.append(name, value);
  data.set("written_at", entry.at);
  const files = held.get(entry.key) ?? [], lost = (entry.files?.length ?? 0) > files.length;
  for (const file of files) data.append("files", file);
  if (lost && !entry.text.trim()) data.set("text", entry.files.join(", "));
  const patience = PATIENCE + files.reduce((sum, file) => sum + file.size, 0) / BYTES_A_MS;
  data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken?.value ?? "");
  const answer = await fetch(form.action, { method: "POST", body: data, headers: { "X-Raglan-Part": "1", Accept: "application/json, text/html" }, signal: AbortSignal.timeout(patience) });
  if (answer.status !== 507 && (answer.status >= 500 || answer.status === 429)) throw new Error(String(answer.status));
  if (!answer.ok || /\/login\//.test(answer.url)) {
    entry.refused = await reason(answer);
    say(`Not sent: ${entry.refused}`, true);
  } else {
    queue = queue.filter((one) => one !== entry);
    held.delete(entry.key);
    forget(waiting(entry.key));
    if (lost) say("An entry was sent without its files. Choose them again: Correct, under the entry.", true);
    document.dispatchEvent(new CustomEvent("raglan:refresh"));
  }
  changed();
}

async function reason(answer) {
  if (answer.redirected) return "you are signed out. Sign in in another tab, then send it again.";
  try {
    return (await answer.json()).message;
  } catch {
    return answer.status === 403 ? "the page is too old. Load it again; the entry stays here." : "the server did not take it.";
  }
}

// ---- what waits is shown as an entry that is not sent yet

function draw() {
  if (!list) return;
  list.hidden = !queue.length;
  list.replaceChildren(...queue.map(row));
}

function row(entry) {
  const item = document.getElementById("unsent").content.firstElementChild.cloneNode(true);
  const time = new Date(entry.at);
  item.querySelector("time").textContent = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: document.body.dataset.zone || undefined });
  item.querySelector("[data-kind-word]").textContent = entry.label;
  item.querySelector("[data-text]").textContent = [entry.text.slice(0, 400), ...entry.files ?? []].filter(Boolean).join(" · ");
  item.querySelector("[data-refused]").textContent = entry.refused;
  item.querySelector("[data-again]").addEventListener("click", () => { entry.refused = ""; changed(); flush(); });
  item.querySelector("[data-edit]").addEventListener("click", () => edit(entry));
  return item;
}

function edit(entry) {
  queue = queue.filter((one) => one !== entry);
  if (text.value.trim()) text.value += `\n${entry.text}`;
  else text.value = entry.text;
  form.elements.entry_key.value = entry.key;
  fill(entry.fields);
  pick([...picked(), ...held.get(entry.key) ?? []]);
  miss(held.has(entry.key) ? [] : entry.files ?? []);
  forget(waiting(entry.key));
  keepFiles();
  measure();
  changed();
  open();
}

function open() {
  form.closest("section").classList.add("open");
  text.focus();
}

// ---- wiring

async function find() {
  await tidy();
  for (const entry of queue.filter((one) => one.files?.length)) {
    const files = await kept(waiting(entry.key));
    if (files.length) held.set(entry.key, files);
  }
}

// Words go without their files rather than never, where a device does not answer.
const ready = form ? Promise.race([find(), new Promise((done) => { setTimeout(done, FOR_FILES); })]) : undefined;
if (form) {
  // Words from before the person was part of the name are nobody's.
  try { for (const name of ["queue", "draft"]) localStorage.removeItem(`raglan:${name}:${room.split(":")[0]}`); } catch { /* forbidden */ }
  restoreDraft();
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
  form.addEventListener("change", keepDraft);
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
  if (queue.length) { changed(); flush(); }
}
