// Shows pages that come by push, and answers from their buttons. It keeps nothing and touches no other request.
const BUTTONS = [{ action: "have", title: "I have it" }, { action: "pass", title: "Pass it on" }];

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const page = read(event.data);
  event.waitUntil(self.registration.showNotification(page.title, {
    body: page.body,
    tag: page.tag,
    data: page,
    renotify: Boolean(page.tag) && !page.quiet,
    requireInteraction: !page.quiet && !page.word,
    silent: Boolean(page.quiet),
    actions: page.have ? BUTTONS : (page.taps ?? []).map((tap, at) => ({ action: `tap-${at}`, title: tap.title })),
  }));
});

self.addEventListener("notificationclick", (event) => {
  const page = event.notification.data ?? {};
  event.notification.close();
  const tap = page.taps?.[Number(event.action.slice(4))];
  if (event.action.startsWith("tap-") && tap) event.waitUntil(show(tap.link));
  else event.waitUntil(page[event.action] ? answer(page, page[event.action]) : show(page.link ?? "/"));
});

function read(data) {
  try {
    const page = data.json();
    if (page.title) return page;
  } catch { /* told below */ }
  return { title: "raglan pages you", body: "Open raglan to see why.", link: "/", tag: "unread" };
}

async function answer(page, path) {
  let words = "raglan could not be reached. Open the page and answer there.";
  try {
    const said = await fetch(path, { method: "POST", credentials: "omit" });
    words = (await said.text()).trim().slice(0, 200);
  } catch { /* the words say so */ }
  const quiet = { title: page.title, link: page.link, tag: page.tag };
  await self.registration.showNotification(page.title, { body: words, tag: page.tag, data: quiet, silent: true });
}

async function show(link) {
  const address = new URL(link, self.location.origin);
  if (address.origin === self.location.origin) await self.clients.openWindow(address.href);
}
