// What is folded for a narrow screen unfolds on a wide one, once: what its reader folds stays folded.
const wide = matchMedia("(min-width: 40.01rem)"), seen = new WeakSet();

export function unfold(place) {
  for (const part of place.querySelectorAll("details[data-wide]")) {
    if (!seen.has(part) && wide.matches) part.open = true;
    seen.add(part);
  }
}
