// A long list of choices is narrowed by a part of what they say. What is chosen stays chosen, seen or not.
function narrow(list, bar) {
  const wanted = bar.querySelector("input").value.trim().toLowerCase();
  const labels = [...list.querySelectorAll("label.check")];
  for (const label of labels) label.hidden = !label.textContent.toLowerCase().includes(wanted);
  if (wanted) list.querySelector("details").open = true;
  const seen = labels.filter((label) => !label.hidden).length;
  bar.querySelector("[data-found]").textContent = wanted ? `${seen} of ${labels.length}` : "";
}

// Those that can be seen: all of them until the list is narrowed, also while some of it is folded.
function choose(list, isChosen) {
  for (const box of list.querySelectorAll("label.check:not([hidden]) input")) box.checked = isChosen;
  list.querySelector("details").open = true;
  count(list);
}

// The line that unfolds the rest says how many of it are chosen, as the server wrote it.
function count(list) {
  const boxes = [...list.querySelectorAll("details input")], chosen = boxes.filter((box) => box.checked).length;
  const words = chosen === boxes.length ? ", all chosen" : chosen ? `, ${chosen} chosen` : "";
  list.querySelector("summary").textContent = `${boxes.length} more${words}`;
}

// Links to other pages of the form's lists take the word along.
function keep(field) {
  for (const link of field.form.querySelectorAll('a[href^="?"]')) {
    const to = new URLSearchParams(link.getAttribute("href"));
    if (field.value) to.set(field.id, field.value); else to.delete(field.id);
    link.setAttribute("href", `?${to}`);
  }
}

for (const bar of document.querySelectorAll("[data-narrow]")) {
  const list = bar.closest("fieldset"), field = bar.querySelector("input");
  bar.hidden = false;
  field.value = new URLSearchParams(location.search).get(field.id) || field.value;
  if (field.value) { narrow(list, bar); keep(field); }
  field.addEventListener("input", () => { narrow(list, bar); keep(field); });
  list.addEventListener("change", () => count(list));
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  for (const button of bar.querySelectorAll("[data-choose]")) button.addEventListener("click", () => choose(list, Boolean(button.dataset.choose)));
}
