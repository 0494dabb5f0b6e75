// Keys, menus, focus after a form that could not be taken, and copying. Single keys stay off until the reader turns them on.
import "./beside.js";
import "./narrow.js";
import { drop, tidy } from "./words.js";

const PLACES = { n: "/", i: "/incidents/", a: "/alerts/", o: "/on-call/", p: "/people/", w: "/wrong/", "?": "/keys/" };
const KINDS = { s: "note", h: "ask", v: "verify" };
const FIELDS = "input, select, textarea, [contenteditable]";

function single(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest?.(FIELDS)) return;
  const kind = document.querySelector(`[data-kind="${KINDS[event.key] ?? "-"}"]`);
  const search = event.key === "/" && document.querySelector("[data-search]");
  if (search) search.focus();
  else if (kind) kind.click();
  else if (Object.hasOwn(PLACES, event.key)) location.assign(PLACES[event.key]);
  else return;
  event.preventDefault();
}

function closeMenus(except, refocus = false) {
  for (const menu of document.querySelectorAll("details.menu[open], details.drop[open]")) {
    if (except && menu.contains(except)) continue;
    menu.open = false;
    if (refocus) menu.querySelector("summary").focus();
  }
}

// Only forms that are there to say something are sent by keys; one that ends, merges or removes wants its button. Where
// several buttons send, the reader presses the one that is meant: one of them may say something outside.
function send(form) {
  if (!form?.matches("[data-composer], [data-writes]")) return;
  const buttons = [...form.elements].filter((one) => one.type === "submit");
  if (buttons.length === 1) form.requestSubmit(buttons[0]);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 2000);
}

// Words for a moment go where the reader writes, behind what stands there; the first gap is chosen, to be written over.
function begin(button) {
  const field = button.form.querySelector("textarea"), words = document.getElementById(button.dataset.use).textContent;
  const before = field.value.trimEnd(), from = before ? before.length + 1 : 0, gap = words.indexOf("…");
  field.value = before ? `${before}\n${words}` : words;
  field.focus();
  field.setSelectionRange(from + (gap < 0 ? words.length : gap), from + (gap < 0 ? words.length : gap + 1));
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// A form that is on its way goes once, however often its button is pressed meanwhile. What a script sends by itself, such
// as the composer, sees to that by keys.
const sent = new WeakMap(), PATIENCE = 10_000;
addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (Date.now() - (sent.get(event.target) ?? 0) < PATIENCE) event.preventDefault();
  else sent.set(event.target, Date.now());
});
addEventListener("pageshow", () => { for (const form of document.forms) sent.delete(form); });

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeMenus(null, true);
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches?.("textarea")) send(event.target.form);
  else if ("shortcuts" in document.body.dataset) single(event);
});
document.addEventListener("click", (event) => {
  closeMenus(event.target);
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  const words = event.target.closest("[data-use]");
  if (words) begin(words);
});
for (const button of document.querySelectorAll("[data-use]")) button.hidden = !button.form?.querySelector("textarea");
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
document.querySelector("[data-focus]")?.focus();
// Whoever is signed in keeps words again, in all tabs.
if (document.body.dataset.person) drop(`left:${document.body.dataset.person}`);
tidy();
