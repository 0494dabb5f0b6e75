// Passkeys. A form with data-passkey asks the device, puts its answer into the hidden field, and is then sent as any other.
// data-passkey: "get" to sign in, "create" to add one. The options come from the script tag named in data-from, or by asking data-options.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const decoded = (list) => (list || []).map((item) => ({ ...item, id: bytes(item.id) }));

async function optionsOf(form) {
  if (form.dataset.from) return JSON.parse(document.getElementById(form.dataset.from).textContent);
  const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("raglan did not answer");
  return answer.json();
}

async function create(form) {
  const given = (await optionsOf(form)).creation_options.publicKey;
  const alone = form.elements.passwordless?.checked ?? false;
  const publicKey = {
    ...given,
    challenge: bytes(given.challenge),
    user: { ...given.user, id: bytes(given.user.id) },
    excludeCredentials: decoded(given.excludeCredentials),
    authenticatorSelection: {
      ...given.authenticatorSelection,
      residentKey: alone ? "required" : "discouraged",
      requireResidentKey: alone,
      ...(alone && { userVerification: "required" }),
    },
  };
  const made = await navigator.credentials.create({ publicKey });
  return packed(made, {
    clientDataJSON: text(made.response.clientDataJSON),
    attestationObject: text(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
}

async function get(form) {
  const given = (await optionsOf(form)).request_options.publicKey;
  const publicKey = {
    ...given,
    challenge: bytes(given.challenge),
    allowCredentials: decoded(given.allowCredentials),
  };
  const found = await navigator.credentials.get({ publicKey });
  return packed(found, {
    clientDataJSON: text(found.response.clientDataJSON),
    authenticatorData: text(found.response.authenticatorData),
    signature: text(found.response.signature),
    userHandle: found.response.userHandle ? text(found.response.userHandle) : null,
  });
}

const packed = (credential, response) => ({
  id: credential.id,
  rawId: text(credential.rawId),
  type: credential.type,
  authenticatorAttachment: credential.authenticatorAttachment ?? null,
  clientExtensionResults: credential.getClientExtensionResults(),
  response,
});

function said(form, words) {
  const place = form.querySelector("[data-said]");
  if (!place) return;
  place.hidden = !words;
  place.textContent = words;
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  said(form, "");
  try {
    const answer = await (form.dataset.passkey === "create" ? create(form) : get(form));
    form.elements.credential.value = JSON.stringify(answer);
    form.submit();
  } catch (error) {
    const known = { NotAllowedError: "Nothing was chosen, or it took too long. Try once more.", InvalidStateError: "This device has a passkey here already." };
    said(form, known[error.name] ?? "That did not work. Use your password, or try once more.");
  }
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", send);
  }
  for (const note of document.querySelectorAll("[data-without-passkey]")) note.hidden = true;
}
