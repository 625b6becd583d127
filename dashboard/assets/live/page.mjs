// The parts of the live page that depend on which lists and executives there are, and what is shown without them.

import { showExecutives } from "../board/executives.mjs";
import { paintLegend } from "../board/legend.mjs";
import { counted, postsIn, sizeOf } from "../board/posts.mjs";
import { isOffered } from "../board/state.mjs";
import { $, find } from "../shell/dom.mjs";
import { count } from "../shell/time.mjs";

/** Build the rows that depend on which lists and executives there are. @param {LiveState} state @param {View} view */
export function layout(state, view) {
  const empty = state.accounts.length === 0;
  $("empty").hidden = !empty;
  $("grid").hidden = $("kpis").hidden = $("ranges").hidden = $("lanes-only").hidden = empty;
  if (empty) renderEmpty();
  const [watched, posts] = [sizeOf(state.accounts), postsIn(state.accounts)];
  /** @type {HTMLElement} */ ($("pick-kind").parentElement).hidden = !posts && !view.kind;
  $("fleet-of").textContent = posts ? `${counted(watched, posts)}, by status` : "accounts by status";
  $("strips").replaceChildren(
    ...state.lists.filter((l) => l.size > 0 && isOffered(l, view.list)).map((list) => {
      const order = state.orders.find((o) => o.list === list.id);
      const row = document.createElement("div");
      row.className = "row strip";
      row.innerHTML = '<div class="left"><span class="name"></span><a class="of" tabindex="-1"></a></div><canvas role="img"></canvas><div class="right"></div>';
      find(row, ".name").textContent = order?.title ?? list.name;
      find(row, ".name").title = list.name;
      // The number of an order counts accounts, so the posts on its list are shown after it.
      const [accounts, own] = [count(list.size - list.posts), list.posts ? `, ${counted(list.posts, list.posts)}` : ""];
      find(row, ".of").textContent = `${order ? `${accounts} of ${count(order.named)}` : accounts}${own}`;
      find(row, ".of").title = `${order ? `${accounts} watched of ${count(order.named)} named` : `${accounts} watched`}${own}`;
      /** @type {HTMLAnchorElement} */ (find(row, ".of")).href = `/accounts?list=${list.id}`;
      row.dataset.list = String(list.id);
      return row;
    }),
  );
  showExecutives(state.executives, $("executives"));
  const pick = $("pick-list");
  pick.replaceChildren(
    ...[["all", posts ? `All, ${counted(watched, posts)}` : `All accounts, ${count(watched)}`], ["changed", "With changes"], ...state.lists.filter((l) => isOffered(l, view.list)).map((l) => [String(l.id), `${state.orders.find((o) => o.list === l.id)?.title ?? l.name}, ${l.posts ? counted(l.size, l.posts) : count(l.size)}${l.archived ? " (archived)" : ""}`])].map(
      ([value, label]) => new Option(label, value, false, value === view.list),
    ),
  );
  paintLegend(state);
}

/** For a page that never got its data: what is wrong, instead of an empty frame. @param {string} sentence */
export function showNothing(sentence) {
  $("grid").hidden = $("ranges").hidden = $("lanes-only").hidden = true;
  const box = $("empty");
  box.hidden = false;
  box.innerHTML = '<h2>Nothing has arrived yet</h2><p></p><p class="faint">This page tries again by itself. No figure is shown until it is known.</p>';
  find(box, "p").textContent = sentence;
}

function renderEmpty() {
  $("empty").innerHTML =
    '<h2>No accounts are watched yet</h2><p>The page <a class="under" href="/first-run">First run</a> says how to begin.</p><p class="faint">This page updates by itself. Accounts from published records are not watched; they are under <a class="under" href="/countries">Countries</a>.</p>';
}
