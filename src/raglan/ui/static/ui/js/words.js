// Words that stay on this device until the server has them: each draft and each entry under a name of its own, so that
// no tab writes over what another one keeps. A name says what it is, in which room, and whose. After two weeks it goes.
import * as files from "./kept.js";

const DAYS = 14 * 86_400_000, KINDS = ["draft", "entry", "queue"];
const whose = (name) => name.split(":")[2];
export const recent = (at) => Date.now() - new Date(at ?? NaN) < DAYS;

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function read(name) {
  try { return JSON.parse(localStorage.getItem(`raglan:${name}`)); } catch { return null; }
}

// Full or forbidden: the page still posts; whoever asks is told that nothing was kept.
export function write(name, value) {
  try { localStorage.setItem(`raglan:${name}`, JSON.stringify(value)); return true; } catch { return false; }
}

export function drop(name) {
  try { localStorage.removeItem(`raglan:${name}`); } catch { /* forbidden */ }
}

// The names of one kind in one room of one person, or of all that this device keeps.
export function names(kind = "", room = "") {
  let found = [];
  try { found = Object.keys(localStorage); } catch { /* forbidden */ }
  found = found.filter((name) => name.startsWith("raglan:")).map((name) => name.slice(7));
  const begin = [kind, room].filter(Boolean).join(":");
  return found.filter((name) => (begin ? `${name}:`.startsWith(`${begin}:`) : KINDS.includes(name.split(":")[0])));
}

// Words from before each entry had its own name; those from before the person was part of it are nobody's.
export function sortOld(room) {
  for (const entry of read(`queue:${room}`) ?? []) write(`entry:${room}:${entry.key}`, entry);
  for (const name of [`queue:${room}`, `queue:${room.split(":")[0]}`, `draft:${room.split(":")[0]}`]) drop(name);
}

// What a person has on this device that no server has: how much of each kind, and in which rooms.
export function waits(person) {
  const found = names().filter((name) => whose(name) === person).map((name) => [name.split(":"), read(name)]);
  const rooms = new Set(), count = { draft: 0, entry: 0 };
  for (const [[kind, room], value] of found) {
    const many = kind === "queue" ? (value ?? []).length : Number(Boolean(value?.text || value?.files?.length));
    count[kind === "draft" ? "draft" : "entry"] += many;
    if (many) rooms.add(room);
  }
  return { ...count, rooms: [...rooms] };
}

// Whoever signs out leaves nothing here; their other tabs hear it and keep nothing more.
export async function leave(person) {
  write(`left:${person}`, Date.now());
  for (const name of names().filter((one) => whose(one) === person)) drop(name);
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith("raglan:beside:")) sessionStorage.removeItem(name);
  } catch { /* forbidden */ }
  await withoutWords();
}

// What nobody came back for goes, and files whose words are gone.
export async function tidy() {
  for (const name of names()) {
    const value = read(name), at = Array.isArray(value) ? value.at(-1)?.at : value?.at;
    if (!recent(at)) drop(name);
  }
  await files.tidy();
}

// Another tab may keep files a moment before it keeps their words, so that only whoever leaves does this.
function withoutWords() {
  const kept = new Set(names().flatMap((name) => [name, `entry:${name.split(":").at(-1)}`]));
  for (const name of names("queue")) for (const entry of read(name) ?? []) kept.add(`entry:${entry.key}`);
  return files.only((name) => kept.has(name));
}
