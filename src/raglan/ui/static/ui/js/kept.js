// Files that are not sent yet stay on this device, beside the words, for as long as those wait: eight of 5 MiB for an
// entry, which is what the server takes. A device that keeps nothing (a private window, a full disk) loses the files
// alone; whoever asks is told which ones came back.
const MOST_BYTES = 5 * 1024 * 1024, MOST_FILES = 8;
const DAYS = 14 * 86_400_000;
let opened, last = Promise.resolve();

function base() {
  opened ??= new Promise((done, failed) => {
    const asked = indexedDB.open("raglan", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("files");
    asked.onsuccess = () => done(asked.result);
    asked.onerror = asked.onblocked = () => failed(asked.error);
  });
  return opened;
}

// One after the other, so that what is forgotten is not written again by a slower write before it.
function inTurn(mode, act) {
  const job = async () => {
    const work = (await base()).transaction("files", mode), asked = act(work.objectStore("files"));
    return new Promise((done, failed) => {
      work.oncomplete = () => done(asked?.result);
      work.onabort = work.onerror = () => failed(work.error);
    });
  };
  last = last.then(job, job).catch(() => undefined);
  return last;
}

export const fits = (files) => files.length <= MOST_FILES && files.every((file) => file.size <= MOST_BYTES);

export function keep(name, files) {
  if (!files.length || !fits(files)) return forget(name);
  return inTurn("readwrite", (store) => { store.put({ at: Date.now(), files }, name); });
}

export async function kept(name) {
  return (await inTurn("readonly", (store) => store.get(name)))?.files ?? [];
}

export function forget(name) {
  return inTurn("readwrite", (store) => { store.delete(name); });
}

// What nobody came back for goes after two weeks.
export function tidy() {
  return inTurn("readwrite", (store) => {
    store.openCursor().onsuccess = ({ target: { result: at } }) => {
      if (!at) return;
      if (!(Date.now() - at.value.at < DAYS)) at.delete();
      at.continue();
    };
  });
}

// Only files whose name is wanted stay.
export function only(isWanted) {
  return inTurn("readwrite", (store) => {
    store.openKeyCursor().onsuccess = ({ target: { result: at } }) => {
      if (!at) return;
      if (!isWanted(at.key)) store.delete(at.key);
      at.continue();
    };
  });
}
