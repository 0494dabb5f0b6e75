// Put fresh HTML into a region without disturbing the reader: what holds focus or a typed text is left alone,
// open <details> stay open, and elements are matched by id (htmx does the matching).
const TYPED = "textarea, select, input:not([type=hidden]):not([type=submit]):not([type=button])";

function held(element) {
  const active = document.activeElement;
  if (!element.contains(active) || active === document.body) return false;
  return active.matches(TYPED) || active.matches(":focus-visible");
}

function keep(element) {
  if (element.nodeType !== Node.ELEMENT_NODE) return false;
  if (element.matches("[data-keep]")) return true;
  if (element.matches("form") && element.querySelector(TYPED)) return true;
  return Boolean(element.id) && held(element);
}

window.htmx?.registerExtension("raglan-morph", {
  htmx_before_morph_node: (oldNode) => !keep(oldNode),
  htmx_before_morph_attr: (element, { attrName }) => !(attrName === "open" && element.matches("details")),
});

function gone(fresh, element) {
  const item = element.closest("[id]");
  return !item || !fresh.getElementById(item.id);
}

// What holds the focus or a typed text and is gone from the new HTML: wait until the reader is done with it.
export function mustWait(region, fresh) {
  const typed = [...region.querySelectorAll(TYPED)].some((field) => "defaultValue" in field && field.value !== field.defaultValue && gone(fresh, field));
  return typed || (held(region) && document.activeElement !== region && gone(fresh, document.activeElement));
}

export async function morph(region, html) {
  await window.htmx.swap({ text: html, target: region, sourceElement: region, swap: "innerMorph" });
}

export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}
