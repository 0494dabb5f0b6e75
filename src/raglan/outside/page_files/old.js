// Turns a page that is too old into one that knows nothing. Without this script the page says so in words.
const made = document.getElementById("made");
function look() {
  const age = (Date.now() - Date.parse(made.dateTime)) / 60_000;
  if (age <= Number(made.dataset.oldAfter)) return;
  document.getElementById("old").hidden = false;
  const whole = document.getElementById("whole");
  if (whole) {
    whole.className = "panel whole is-unknown";
    whole.querySelector("p").textContent = "We do not know how things are.";
  }
  for (const state of document.querySelectorAll(".state")) {
    state.className = "state is-unknown";
    state.textContent = "Not known";
  }
}
if (made) {
  look();
  setInterval(look, 60_000);
}
