// Adds this browser as a way to be reached: asks for leave, subscribes, and sends the form as any other form.
const form = document.querySelector("form[data-push]");
const said = form?.querySelector("[data-said]");
const KEYS = { p256dh: "p256dh", auth: "auth" };

function say(words) {
  said.textContent = words;
}

function bytes(text) {
  const padded = text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4);
  return Uint8Array.from(atob(padded), (char) => char.charCodeAt(0));
}

function text(buffer) {
  const plain = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function subscribe() {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  const answer = await fetch(form.dataset.key, { method: "POST", body });
  const { key } = await answer.json();
  const registration = await navigator.serviceWorker.register("/push-worker.js", { scope: "/" });
  await navigator.serviceWorker.ready;
  return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
}

async function add() {
  say("One moment.");
  if ((await Notification.requestPermission()) !== "granted") {
    return say("This browser may not show notifications. Allow them for this site in its settings, then try again.");
  }
  try {
    const found = await subscribe();
    form.elements.endpoint.value = found.endpoint;
    for (const [field, name] of Object.entries(KEYS)) form.elements[field].value = text(found.getKey(name));
    form.elements.label.value ||= navigator.userAgentData?.platform ?? navigator.platform ?? "";
    form.submit();
  } catch (error) {
    say(`This browser could not subscribe (${error.message}). Its maker’s push service must be within reach.`);
  }
}

if (form && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  form.querySelector("[data-add]").hidden = false;
  say("");
  form.querySelector("[data-add]").addEventListener("click", add);
}
