// Taking in a watch list: chosen or pasted, looked at line by line, and only then stored.

import { escaped, find } from "../shell/dom.mjs";
import { count } from "../shell/time.mjs";
import { send } from "./bulk.mjs";

const COLUMNS = "platform,handle,account_id,list,tags,followers";
const MOST_BYTES = 2_000_000;

/** Open the dialog; `done` is called after a table was stored. @param {() => void} done */
export function openImport(done) {
  const dialog = document.createElement("dialog");
  dialog.className = "ac-import";
  dialog.setAttribute("aria-labelledby", "ac-import-title");
  dialog.innerHTML = `<div class="card-head"><h2 id="ac-import-title">Import accounts</h2><span class="grow"></span><form method="dialog"><button class="icon-button" aria-label="Close"><svg class="i" aria-hidden="true"><use href="#i-close"/></svg></button></form></div>
    <form class="forms">
      <p class="muted">A CSV file as for <code class="mono">blockline accounts import</code>, with the columns <code class="mono">${COLUMNS}</code>. Here platform, handle and account_id are required. Separate several lists or tags in one cell with semicolons. The preview stores nothing.</p>
      <label>File<input type="file" name="file" accept=".csv,text/csv,text/plain"></label>
      <label>or paste<textarea name="text" class="mono" rows="7" spellcheck="false" placeholder="${COLUMNS}"></textarea></label>
      <div class="ac-row"><button class="button primary" data-preview>Preview</button><button type="button" class="button" data-store hidden></button><span class="ac-said" role="status"></span></div>
      <div class="table-scroll" data-lines tabindex="0" role="region" aria-label="Result of each line" hidden></div>
    </form>`;
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  const form = /** @type {HTMLFormElement} */ (find(dialog, ".forms"));
  const store = find(form, "[data-store]");
  const said = find(form, ".ac-said");
  const lines = find(form, "[data-lines]");
  let name = "";

  const forget = () => {
    store.hidden = true;
    lines.hidden = true;
    said.textContent = "";
  };
  form.text.addEventListener("input", () => {
    name = "";
    forget();
  });
  form.file.addEventListener("change", async () => {
    forget();
    const [file] = form.file.files;
    if (!file) return;
    if (file.size > MOST_BYTES) {
      said.textContent = "The file is larger than 2 MB: import it on the command line.";
      return;
    }
    form.text.value = await file.text();
    name = file.name;
  });

  /** @param {string} action */
  const ask = async (action) => {
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    const answer = await send(action, { name, text: form.text.value });
    for (const button of form.querySelectorAll("button")) button.disabled = false;
    said.textContent = answer.error ?? answer.sentence;
    said.classList.toggle("refused", Boolean(answer.error) || answer.refused?.length > 0);
    return answer;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    forget();
    const answer = await ask("/api/accounts/import/preview");
    if (answer.error) return;
    show(lines, answer);
    store.hidden = answer.refused.length > 0 || answer.taken === 0;
    store.textContent = `Import ${count(answer.taken)} ${answer.taken === 1 ? "account" : "accounts"}`;
  });
  store.addEventListener("click", async () => {
    const answer = await ask("/api/accounts/import");
    if (answer.error) return;
    store.hidden = true;
    show(lines, answer);
    done();
  });
  dialog.showModal();
  form.text.focus();
}

/** Line by line what is done, those that are refused first. @param {HTMLElement} place @param {ImportAnswer} answer */
function show(place, answer) {
  const refused = answer.refused.map(({ line, why }) => `<tr class="ac-no"><td class="n">${line ?? ""}</td><td><b>Refused</b></td><td>${escaped(why)}</td></tr>`);
  const taken = answer.lines.map(({ line, what, did, changed }) => `<tr><td class="n">${line}</td><td>${changed ? "New" : "Unchanged"}</td><td>${escaped(what)} ${escaped(did)}</td></tr>`);
  const ignored = answer.ignored.length ? `<p class="nothing">Ignored columns: ${escaped(answer.ignored.join(", "))}.</p>` : "";
  const more = answer.taken > answer.lines.length ? `<p class="nothing">The first ${count(answer.lines.length)} of ${count(answer.taken)} are shown.</p>` : "";
  place.innerHTML = `${ignored}<table><thead><tr><th scope="col" class="n">Line</th><th scope="col">Result</th><th scope="col">Account</th></tr></thead><tbody>${refused.join("")}${taken.join("")}</tbody></table>${more}`;
  place.hidden = false;
}
