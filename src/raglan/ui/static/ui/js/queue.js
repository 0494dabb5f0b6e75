// Entries of a room that the server does not have yet, each under its own name, for all tabs. Where a device keeps no words
// they stay in this page. Another tab may change one while this one sends it: then it waits no more. It keeps its key, so
// that the same words are not posted twice, and other words are posted beside them.
import * as words from "./words.js";

const memory = new Map();
const nameOf = (room, entry) => `entry:${room}:${entry.key}`;

export function queue(room) {
  const stored = words.names("entry", room).map(words.read).filter((entry) => words.recent(entry?.at));
  const all = [...stored.filter((entry) => !memory.has(entry.key)), ...memory.values()];
  return all.sort((one, other) => new Date(one.at) - new Date(other.at));
}

export function put(room, entry, isKept) {
  if (isKept && words.write(nameOf(room, entry), entry)) memory.delete(entry.key);
  else memory.set(entry.key, entry);
}

export function remove(room, entry) {
  memory.delete(entry.key);
  words.drop(nameOf(room, entry));
}

export const unkept = () => [...memory.values()];

// Whether it waits still as it is here: not taken back, and not put again with other words.
export function waits(room, entry) {
  const found = memory.get(entry.key) ?? words.read(nameOf(room, entry));
  return found?.at === entry.at && found.text === entry.text;
}

// Tells the tab in which an entry is changed that it has gone as it was.
export function tellSent(room, entry) {
  words.write(`sent:${room}:${entry.key}`, Date.now());
  words.drop(`sent:${room}:${entry.key}`);
}
