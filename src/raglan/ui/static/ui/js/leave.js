// Before somebody signs out: says what waits on this device, and leaves none of it behind.
import { leave, waits } from "./words.js";

const PATIENCE = 2_000;
const form = document.querySelector("form[data-sign-out]"), button = form?.querySelector("button"), plain = button?.textContent;
// Whoever stops half-way through signing in is named by the form alone.
const person = document.body.dataset.person ?? form?.dataset.signOut, note = document.querySelector("[data-waits]");
const counted = (many, one, more) => (many ? [many === 1 ? `1 ${one}` : `${many} ${more}`] : []);
let told = "";

function tell(found) {
  told = JSON.stringify(found);
  const what = [...counted(found.entry, "entry is not sent yet", "entries are not sent yet"), ...counted(found.draft, "draft is not posted", "drafts are not posted")];
  note.hidden = !what.length;
  note.querySelector("[data-what]").textContent = what.join(", ");
  note.querySelector("[data-rooms]").replaceChildren(...found.rooms.filter(Number).map((room) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("a"), { href: `/incidents/${Number(room)}/`, textContent: `Incident ${room}` }));
    return item;
  }));
  button.textContent = what.length ? form.dataset.drops : plain;
}

// A page without the place to say it leads to the one that has it.
async function go(event) {
  const found = waits(person);
  event.preventDefault();
  if (!note && (found.entry || found.draft)) return location.assign(form.action);
  if (note && JSON.stringify(found) !== told) return tell(found);
  if (navigator.onLine) await Promise.race([leave(person), new Promise((done) => { setTimeout(done, PATIENCE); })]);
  form.submit();
}

if (person) {
  if (note) tell(waits(person));
  form?.addEventListener("submit", go);
}
