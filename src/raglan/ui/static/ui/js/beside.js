// Words beside a form that is sent: what is typed in the other forms of a page comes back with the page. It stays in this
// tab, for this person, until the page shows again. With the words comes the version that they were written against, so
// that a save of somebody else is still noticed. What the composer keeps is its own.
const NAME = `raglan:beside:${document.body.dataset.person ?? ""}:${location.pathname}`;
const TYPED = "textarea, select, input:not([type=hidden], [type=password], [type=file], [type=submit], [type=button])";
const isOn = (field) => ["checkbox", "radio"].includes(field.type);

function isTyped(field) {
  if (isOn(field)) return field.checked !== field.defaultChecked;
  if (!field.matches("select")) return field.value !== field.defaultValue;
  const options = [...field.options];
  if (!field.multiple && !options.some((option) => option.defaultSelected)) return field.selectedIndex > 0;
  return options.some((option) => option.selected !== option.defaultSelected);
}

function valueOf(field) {
  if (isOn(field)) return field.checked;
  return field.matches("select[multiple]") ? [...field.selectedOptions].map((option) => option.value) : field.value;
}

function give(field, value) {
  if (isOn(field)) field.checked = value;
  else if (!field.matches("select[multiple]")) field.value = value;
  else for (const option of field.options) option.selected = value.includes(option.value);
}

// Forms by where they lead, fields by their names, each with its place among its like.
function named(items, nameOf) {
  const seen = new Map();
  return items.map((item) => {
    const name = nameOf(item), place = seen.get(name) ?? 0;
    seen.set(name, place + 1);
    return [`${name}#${place}`, item];
  });
}

const forms = () => named([...document.querySelectorAll("form[method=post]:not([data-composer])")], (form) => form.getAttribute("action") ?? "");
const fields = (form) => named([...form.elements].filter((field) => field.name && field.name !== "csrfmiddlewaretoken" && field.matches(`${TYPED}, input[type=hidden]`)), (field) => field.name);

function keep(sent) {
  const found = forms().filter(([, form]) => form !== sent && [...form.elements].some((field) => field.name && field.matches(TYPED) && isTyped(field)));
  const words = found.map(([name, form]) => [name, fields(form).map(([one, field]) => [one, valueOf(field)])]);
  try {
    if (words.length) sessionStorage.setItem(NAME, JSON.stringify(words));
    else sessionStorage.removeItem(NAME);
  } catch { /* full or forbidden: the form is sent all the same */ }
}

function restore() {
  let words = [];
  try {
    words = JSON.parse(sessionStorage.getItem(NAME)) ?? [];
    sessionStorage.removeItem(NAME);
  } catch { /* forbidden */ }
  const here = new Map(forms());
  for (const [name, values] of words.filter(([one]) => here.has(one))) {
    const form = here.get(name), found = new Map(fields(form));
    for (const [one, value] of values) {
      const field = found.get(one);
      if (field) give(field, value);
    }
    for (let box = form.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    for (const field of form.querySelectorAll("textarea, input")) field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

restore();
addEventListener("submit", (event) => { if (!event.defaultPrevented && event.target.method === "post") keep(event.target); });
