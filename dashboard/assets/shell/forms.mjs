// Forms that change something: sent without leaving the page, so that a refusal keeps what was written. And
// forms that choose what is shown: what is chosen goes into the address.

import { json, unchanged } from "./answers.mjs";
import { $, find, targetOf } from "./dom.mjs";
import { navigate } from "./navigate.mjs";
import { showToast } from "./toast.mjs";

/** `done` is called after a form was accepted, to show the page anew. @param {() => void} done */
export function connectForms(done) {
  document.addEventListener("submit", async (event) => {
    if (event.defaultPrevented) return; // a form that its own script sends
    const form = /** @type {HTMLFormElement} */ (event.target);
    const action = form.getAttribute("action") ?? "";
    if (form.method === "get") {
      event.preventDefault();
      navigate(addressOf(action, new FormData(form)));
      return;
    }
    if (!action.startsWith("/api/")) return;
    event.preventDefault();
    const button = /** @type {HTMLButtonElement} */ (event.submitter ?? find(form, "button"));
    const fields = new FormData(form, button);
    const large = tooLarge(form, fields);
    say(form, large);
    if (large) return;
    button.disabled = true;
    const { refused, secret, next, toast } = await send(action, fields);
    button.disabled = false;
    if (refused) return say(form, refused);
    if (toast) showToast(toast);
    if (next && next !== location.pathname + location.search) return navigate(next);
    if (secret) showOnce(secret);
    form.reset();
    done();
  });
  // A field for one line is a text area, since Dash has no other plain one: Enter sends it.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || targetOf(event).dataset?.line === undefined) return;
    event.preventDefault();
    targetOf(event).form?.requestSubmit();
  });
}

/** What is in the fields of a form, without its files. @param {FormData} fields */
const written = (fields) => new URLSearchParams([...fields].flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])));

/** The files that were chosen; a field without one holds a file without a name. @param {FormData} fields */
const filesOf = (fields) => [...fields].flatMap(([name, value]) => (typeof value !== "string" && value.name ? [{ name, file: value }] : []));

/** A sentence if a file is larger than its field takes. @param {HTMLFormElement} form @param {FormData} fields */
function tooLarge(form, fields) {
  const most = (/** @type {string} */ name) => Number(find(form, `[data-file="${name}"]`).dataset.most);
  const large = filesOf(fields).find(({ name, file }) => file.size > most(name));
  return large ? `${large.file.name} is larger than ${Math.floor(most(large.name) / 1024 ** 2)} MB.` : "";
}

/** What is sent: a form, or JSON where a file goes with it, its bytes as text. @param {FormData} fields */
async function bodyOf(fields) {
  const files = filesOf(fields);
  if (!files.length) return { body: written(fields) };
  const values = Object.fromEntries(written(fields));
  for (const { name, file } of files) {
    values[name] = file.name;
    values[`${name}_base64`] = await base64Of(file);
  }
  return { body: JSON.stringify(values), headers: { "Content-Type": "application/json" } };
}

/** @param {File} file @returns {Promise<string>} */
const base64Of = (file) =>
  new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result).split(",")[1] ?? "");
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(file);
  });

/** The address that a form asks for; what is left empty chooses nothing. @param {string} action @param {FormData} fields */
function addressOf(action, fields) {
  const chosen = new URLSearchParams([...written(fields)].filter(([, value]) => value !== ""));
  return chosen.size ? `${action}?${chosen}` : action;
}

/**
 * Why it was refused, or what was made and is shown once, which page comes next, or what was done and how to undo it.
 * @param {string} action @param {FormData} fields
 */
async function send(action, fields) {
  try {
    const answer = await fetch(action, { method: "POST", ...(await bodyOf(fields)), redirect: "manual" });
    if (answer.type === "opaqueredirect") return {};
    const isJson = (answer.headers.get("content-type") ?? "").startsWith("application/json");
    const { error, secret, next, toast } = isJson ? await answer.json() : { error: await answer.text() };
    return answer.ok ? { secret, next, toast } : { refused: error ?? unchanged };
  } catch {
    return { refused: unchanged };
  }
}

/** Show what nobody can read again later, until it is put away. @param {string} secret */
function showOnce(secret) {
  const dialog = /** @type {HTMLDialogElement} */ ($("once"));
  const field = /** @type {HTMLInputElement} */ (find(dialog, "input"));
  field.value = secret;
  dialog.addEventListener("close", () => (field.value = ""), { once: true });
  dialog.showModal();
  field.select();
}

/** @param {HTMLFormElement} form @param {string} sentence */
function say(form, sentence) {
  let place = /** @type {HTMLElement | null} */ (form.querySelector(".refused"));
  if (!place) {
    place = document.createElement("p");
    place.className = "refused";
    place.setAttribute("role", "alert");
    form.append(place);
  }
  place.textContent = sentence;
  place.hidden = !sentence;
}

const SELDOM_MS = 5_000;
let counted = 0;

/** How many stories wait for somebody, in the navigation. */
export async function countWaiting(atOnce = false) {
  if (!atOnce && Date.now() - counted < SELDOM_MS) return;
  counted = Date.now();
  try {
    const { stories } = await json(fetch("/api/alerts/waiting"));
    const place = $("waiting");
    place.textContent = stories > 99 ? "99+" : String(stories);
    place.title = `${stories} not acknowledged`;
    place.hidden = stories === 0;
  } catch {
    // The banner says that the monitor does not answer; the number is as it was known last.
  }
}
