// What is done with the accounts that are selected: tags, lists and the watch, for all of them at once or for none.

import { unchanged } from "../shell/answers.mjs";
import { find } from "../shell/dom.mjs";
import { count } from "../shell/time.mjs";
import { showToast } from "../shell/toast.mjs";

const DEEDS = [["tag", "Add tag"], ["untag", "Remove tag"], ["put", "Add to list"], ["take", "Remove from list"], ["move", "Move to list …"], ["stop", "Stop watching"], ["watch", "Watch again"]];
/** @param {string} deed */
const isOfTag = (deed) => deed === "tag" || deed === "untag";
/** @param {string} deed */
const isOfList = (deed) => deed === "put" || deed === "take" || deed === "move";
let shown = "";

/**
 * Draw the bar of the selection; `on` is {done(), clear()}. A viewer sees how many are selected. What is applied is applied to exactly these numbers.
 * @param {HTMLElement} place @param {Map<number, AccountRow | null>} selected @param {AccountChoices} choices @param {{ done(): void, clear(): void }} on
 */
export function drawBulk(place, selected, choices, on) {
  const ids = [...selected.keys()];
  const rows = [...selected.values()].filter((row) => row !== null);
  place.hidden = ids.length === 0;
  const key = ids.join();
  if (key === shown && place.childElementCount) return;
  shown = key;
  const mayEdit = place.closest("[data-edit]") !== null;
  const tags = choices.tags.map(([tag]) => tag).sort();
  place.innerHTML = `<form class="ac-bulk" aria-label="Selected accounts"><b role="status"></b>
    ${mayEdit ? `<label><span class="hidden">Action</span><select class="select" name="do"></select></label>
    <label data-for="tag"><span class="hidden">Tag</span><input class="select" name="tag" list="ac-tag-names" maxlength="40" autocomplete="off" placeholder="Tag"><datalist id="ac-tag-names"></datalist></label>
    <label data-for="from" hidden><span>from</span> <select class="select" name="from" aria-label="List that they leave"></select></label>
    <label data-for="list" hidden><span data-to hidden>to</span> <span class="hidden">List</span><select class="select" name="list"></select></label>
    <button class="button small primary">Apply</button>` : ""}
    <button type="button" class="link" data-clear>Clear selection</button><p class="ac-said refused" role="alert" hidden></p><ul class="ac-each" hidden></ul></form>`;
  find(place, "b").textContent = `${count(ids.length)} selected`;
  const form = /** @type {HTMLFormElement} */ (find(place, "form"));
  find(form, "[data-clear]").addEventListener("click", on.clear);
  if (!mayEdit) return;
  // Of accounts that were not on the screen the page does not know the lists.
  const onLists = new Set(rows.length === ids.length ? rows.flatMap((row) => row.lists.map((l) => l.id)) : choices.lists.map((l) => l.id));
  form.do.append(...DEEDS.filter(([value]) => value !== "move" || onLists.size).map(([value, label]) => new Option(label, value)));
  form.from.append(...choices.lists.filter((l) => onLists.has(l.id)).map((l) => new Option(l.name, String(l.id))));
  form.list.append(...choices.lists.map((l) => new Option(l.name, String(l.id))));
  find(form, "datalist").append(...tags.map((t) => new Option(t)));
  form.do.addEventListener("change", () => {
    find(form, "[data-for=tag]").hidden = !isOfTag(form.do.value);
    find(form, "[data-for=list]").hidden = !isOfList(form.do.value);
    find(form, "[data-for=from]").hidden = find(form, "[data-to]").hidden = form.do.value !== "move";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = isOfTag(form.do.value) ? form.tag.value.trim() : isOfList(form.do.value) ? form.list.value : "";
    const button = /** @type {HTMLButtonElement} */ (find(form, "button.primary"));
    button.disabled = true;
    const answer = await send("/api/accounts/edit", { do: form.do.value, value, from: form.do.value === "move" ? form.from.value : undefined, accounts: ids });
    button.disabled = false;
    say(form, answer, rows);
    if (answer.error) return;
    if (answer.toast) showToast(answer.toast, on.done);
    on.done();
  });
}

/** Why nothing was done, and of each account why it was not; the toast says what was. @param {HTMLFormElement} form @param {Answer} answer @param {AccountRow[]} rows */
function say(form, answer, rows) {
  const said = find(form, ".ac-said");
  said.textContent = answer.error ?? "";
  said.hidden = !answer.error;
  const handle = new Map(rows.map((row) => [row.id, row.handle]));
  const each = find(form, ".ac-each");
  each.replaceChildren(
    ...(answer.each ?? []).map(({ account, words }) => {
      const line = document.createElement("li");
      line.textContent = `${handle.has(account) ? `@${handle.get(account)}` : `Account ${account}`}: ${words}`;
      return line;
    }),
  );
  each.hidden = each.childElementCount === 0;
}

/** Send JSON; the answer is what came back, or {error} with one sentence. @param {string} action @param {object} body */
export async function send(action, body) {
  try {
    const answer = await fetch(action, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    return await answer.json();
  } catch {
    return { error: unchanged };
  }
}
