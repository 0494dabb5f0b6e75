// Tabs of one browser beside each other. Each has a name, which a reload keeps and a copy of the tab does not: a lock says
// which names are in use. Where a browser has no locks (an address without https) every name counts as free: nothing is
// lost by that, for what an open tab shows it keeps again, and the server takes one key once.
import { within } from "./within.js";
import { newKey } from "./words.js";

const OWN = 1_000, TURN = 60_000, SETTLE = 100;
const lockOf = (name) => `raglan:tab:${name}`;
let letGo = () => {};

function remembered() {
  try { return sessionStorage.getItem("raglan:tab"); } catch { return null; }
}

async function hold(name) {
  if (!navigator.locks) return true;
  return new Promise((done) => {
    const until = new Promise((over) => { letGo = over; });
    const held = () => { done(true); return until; };
    navigator.locks.request(lockOf(name), { signal: within(OWN) }, held).catch(() => done(false));
  });
}

// The name of this tab, held from now on.
export async function own() {
  const before = remembered();
  const name = before && await hold(before) ? before : newKey();
  if (name !== before) await hold(name);
  try { sessionStorage.setItem("raglan:tab", name); } catch { /* forbidden: the name ends with the page */ }
  return name;
}

// Does it while no tab of this name is open, and none can be; not at all where one is.
export async function whileFree(name, act) {
  if (!navigator.locks) return act();
  return navigator.locks.request(lockOf(name), { ifAvailable: true }, (lock) => (lock ? act() : undefined));
}

export async function isOpen(name) {
  if (!navigator.locks || !name) return false;
  return navigator.locks.request(lockOf(name), { ifAvailable: true }, (lock) => !lock);
}

// One tab at a time. Whoever had to wait lets the other one's words arrive; a tab that sleeps holds nobody up for long.
export async function alone(name, act) {
  if (!navigator.locks) return act();
  const lock = `raglan:send:${name}`;
  let begun = false;
  const now = await navigator.locks.request(lock, { ifAvailable: true }, async (got) => {
    if (got) await act();
    return Boolean(got);
  });
  if (now) return undefined;
  const later = async () => {
    begun = true;
    await new Promise((done) => { setTimeout(done, SETTLE); });
    return act();
  };
  try {
    return await navigator.locks.request(lock, { signal: within(TURN) }, later);
  } catch (error) {
    if (begun) throw error;
    return act();
  }
}

addEventListener("pagehide", () => letGo());
