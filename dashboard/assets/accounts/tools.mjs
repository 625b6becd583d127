// Above the table of accounts: what can be chosen, each with how many accounts it leaves.

import { escaped, find, targetOf } from "../shell/dom.mjs";
import { PLATFORMS } from "../shell/platforms.mjs";
import { count } from "../shell/time.mjs";
import { KINDS, STATUSES, WHOM } from "./rows.mjs";

/** @type {[key: "status" | "country" | "list" | "order" | "tag" | "platform" | "kind" | "whom", label: string, any: string][]} */
const SELECTS = [["status", "Status", "Any status"], ["country", "Country", "Any country"], ["list", "List", "Any list"], ["order", "Order", "Any order"], ["tag", "Tag", "Any tag"], ["platform", "Platform", "Any platform"], ["kind", "Accounts or posts", "Accounts and posts"], ["whom", "Watched or stored", ""]];

/** Where the tools are, and what is chosen in them. @type {{ place: HTMLElement, choice: Choice }} */
let tools;

/**
 * Draw them with the reader's choices in them; `choose` is called with each that changes.
 * @param {HTMLElement} place @param {Choice} choice @param {(some: Partial<Choice>) => void} choose
 */
export function drawTools(place, choice, choose) {
  tools = { place, choice };
  place.innerHTML = `<form class="ac-tools" role="search" aria-label="Accounts">
    <label class="find"><svg class="i" aria-hidden="true"><use href="#i-search"/></svg><span class="hidden">Handle, id or tag</span><input type="search" name="q" placeholder="Handle, id or tag" autocomplete="off" spellcheck="false"></label>
    ${SELECTS.map(([name, label]) => `<label><span class="hidden">${label}</span><select class="select" name="${name}"></select></label>`).join("")}
    <label class="ac-check"><input type="checkbox" name="late"> Late only</label>
    <label class="ac-check"><input type="checkbox" name="repeatedly_blocked"> Blocked more than once</label>
    <button type="button" class="link" data-clear>Clear</button></form>`;
  const form = /** @type {HTMLFormElement} */ (find(place, "form"));
  form.q.value = choice.q;
  form.late.checked = choice.late;
  form.repeatedly_blocked.checked = choice.repeatedly_blocked;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { name, type, checked, value } = targetOf(event);
    choose(take({ [name]: type === "checkbox" ? checked : value }));
  });
  find(form, "[data-clear]").addEventListener("click", () => {
    form.reset();
    const none = { figure: "", at: "", q: "", status: "", country: "", list: "", order: "", tag: "", platform: "", kind: "", late: false, repeatedly_blocked: false };
    for (const name of Object.keys(none)) if (form[name]?.tagName === "SELECT") form[name].value = "";
    choose(take(none));
  });
}

/** Of two drawings of the tools the later one must know what was chosen in the earlier. @param {Partial<Choice>} some */
function take(some) {
  Object.assign(tools.choice, some);
  return some;
}

/**
 * The values that there are. One that is chosen stays in the list, also when no account has it any more.
 * @param {AccountChoices} choices @param {ReturnType<typeof import("./rows.mjs").facets>} found
 */
export function fillTools(choices, found) {
  const { place, choice } = tools;
  /** @type {Record<string, Map<string, string>>} */
  const name = {
    list: new Map(choices.lists.map((l) => [String(l.id), l.name])), order: new Map(choices.orders.map((o) => [String(o.id), o.title])), platform: new Map(Object.entries(PLATFORMS).map(([key, p]) => [key, p.name])),
    kind: new Map(/** @type {[string, string][]} */ (KINDS)),
  };
  /** @param {keyof typeof found} key */
  const counted = (key) =>
    [...found[key]].map(([value, n]) => [value, `${name[key]?.get(value) ?? value}, ${count(n)}`]).sort((a, b) => a[1].localeCompare(b[1], "en", { numeric: true }));
  for (const [key, , any] of SELECTS) {
    const chosen = choice[key];
    const options = key === "status" ? [...STATUSES] : key === "whom" ? [...WHOM] : counted(key);
    if (chosen && !options.some(([value]) => value === chosen)) options.push([chosen, `${name[key]?.get(chosen) ?? chosen}, 0`]);
    const select = /** @type {HTMLSelectElement} */ (find(place, `select[name="${key}"]`));
    select.innerHTML = (any ? [["", any], ...options] : options).map(([value, label]) => `<option value="${escaped(value)}">${escaped(label)}</option>`).join("");
    select.value = chosen;
    /** @type {HTMLElement} */ (select.parentElement).hidden = options.length === 0;
  }
}
