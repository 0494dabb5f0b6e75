// The fields of the composer: whoever fills them, measures a long text, or attaches files.
export const form = document.querySelector("form[data-composer]");
export const text = form?.querySelector("textarea");
export const picker = form?.querySelector("[type=file]");

const LONG = 20_000, MOST = 300_000;

export const picked = () => [...picker?.files ?? []];
export const named = (files) => files.map((file) => file.name);

export function fill(fields) {
  for (const [name, value] of fields) {
    const field = form.elements[name];
    if (name === "kind") choose(value);
    else if (field?.matches?.("select, input:not([type=hidden])")) field.value = value;
    if (field?.matches?.("select") && field.selectedIndex < 0) field.selectedIndex = 0;
  }
}

export function choose(kind) {
  const radio = form.querySelector(`[name=kind][value="${CSS.escape(kind ?? "")}"]`);
  if (!radio) return;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
}

export function measure() {
  const long = form.querySelector("[data-long]"), length = text.value.trim().length;
  if (long) long.hidden = length <= LONG;
  text.setCustomValidity(length > MOST ? `An entry takes ${MOST.toLocaleString("en-GB")} characters, this has ${length.toLocaleString("en-GB")}. Attach it as a file.` : "");
}

export function pick(files) {
  if (!picker) return;
  const chosen = new DataTransfer();
  for (const file of files) chosen.items.add(file);
  picker.files = chosen.files;
}
