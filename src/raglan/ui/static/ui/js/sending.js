// One entry on its way to the server. Only an answer settles it: no answer, or a fault of the server, is thrown and means
// the same entry again, later. 507 is an answer: there is no room for its files, and asking again makes none.
import { within } from "./within.js";

const PATIENCE = 20_000, BYTES_A_MS = 20;

// Returns why it was refused, "" where it was taken.
export async function post(form, entry, files) {
  const data = new FormData();
  for (const [name, value] of entry.fields) data.append(name, value);
  data.set("written_at", entry.at);
  for (const file of files) data.append("files", file);
  if (files.length < (entry.files?.length ?? 0) && !entry.text.trim()) data.set("text", entry.files.join(", "));
  const patience = PATIENCE + files.reduce((sum, file) => sum + file.size, 0) / BYTES_A_MS;
  data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken?.value ?? "");
  const answer = await fetch(form.action, { method: "POST", body: data, headers: { "X-Raglan-Part": "1", Accept: "application/json, text/html" }, signal: within(patience) });
  if (answer.status !== 507 && (answer.status >= 500 || answer.status === 429)) throw new Error(String(answer.status));
  return answer.ok && !/\/login\//.test(answer.url) ? "" : reason(answer);
}

async function reason(answer) {
  if (answer.redirected) return "you are signed out. Sign in in another tab, then send it again.";
  try {
    return (await answer.json()).message;
  } catch {
    return answer.status === 403 ? "the page is too old. Load it again; the entry stays here." : "the server did not take it.";
  }
}
