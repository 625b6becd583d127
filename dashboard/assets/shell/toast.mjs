// What was done, in one sentence at the edge of the page, with a button that undoes it where that can be done.

import { unchanged } from "./answers.mjs";
import { $ } from "./dom.mjs";

const STAYS_MS = 12_000;
/** @type {() => void} */
let shownAgain = () => {};

/** `done` is called after something was undone, to show the page again. @param {() => void} done */
export function connectToasts(done) {
  shownAgain = done;
  $("toasts").addEventListener("keydown", (event) => {
    if (event.key === "Escape") put();
  });
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let leaves;

/**
 * Show one sentence in place of the one before. It stays while it has the focus or the pointer. `again` shows the
 * page again after it was undone.
 * @param {Toast} toast @param {() => void} again
 */
export function showToast({ words, undo }, again = shownAgain) {
  const place = $("toasts");
  const said = document.createElement("span");
  said.textContent = words;
  place.replaceChildren(said);
  if (undo) place.append(button("Undo", () => takeBack(undo, again)));
  place.append(button("Close", put));
  clearTimeout(leaves);
  leaves = setTimeout(leave, STAYS_MS);
}

/** @param {string} label @param {() => void} act */
function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "link";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

function leave() {
  const place = $("toasts");
  if (place.matches(":hover, :focus-within")) leaves = setTimeout(leave, STAYS_MS);
  else put();
}

/** Put the toast away; the focus goes back to the page. */
function put() {
  const place = $("toasts");
  if (place.contains(document.activeElement)) $("content").focus();
  place.replaceChildren();
}

/** @param {Undo} undo @param {() => void} again */
async function takeBack(undo, again) {
  const refused = await sent(undo);
  showToast({ words: refused ?? "Undone." });
  $("content").focus();
  if (!refused) again();
}

/** Send the reverse; the answer is why it was refused, or null. @param {Undo} undo @returns {Promise<string | null>} */
export async function sent({ address, method, fields, body }) {
  try {
    /** @type {RequestInit} */
    const request = fields
      ? { method, body: new URLSearchParams(fields) }
      : { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(address, request);
    if (answer.ok) return null;
    const { error, detail } = await answer.json();
    return error ?? detail ?? unchanged;
  } catch {
    return unchanged;
  }
}
