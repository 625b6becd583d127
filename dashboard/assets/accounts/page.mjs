// The page of accounts: fetches them, keeps table, tools and address in step, and says what is chosen.

import { counted, partOf, postsIn } from "../board/posts.mjs";
import { failure, json } from "../shell/answers.mjs";
import { $ } from "../shell/dom.mjs";
import { gridScript } from "../shell/grid-script.mjs";
import { count, full } from "../shell/time.mjs";
import { drawBulk } from "./bulk.mjs";
import { library, makeGrid } from "./grid.mjs";
import { addPast, behindWords, choiceOf, decode, facets, isFiltered, matcher, searchOf } from "./rows.mjs";
import { drawTools, fillTools } from "./tools.mjs";

const root = document.documentElement;
const page = /** @type {AccountsPage} */ (/** @type {unknown} */ ({
  choice: null, held: { state: null, passes: () => true }, grid: null, place: null, script: null, fetched: null, at: 0, whom: null, past: new Map(), behind: null,
}));
/** After a change has been pushed the accounts are asked for anew, at most so often. */
const AGAIN_MS = 5_000;
/** What was before changes only by readings that come in late. */
const PAST_MS = 10 * 60_000;
/** Whose past is asked for once the screen has stood still so long; at most so many in one request. */
const STILL_MS = 150;
const MOST_PAST = 200;
let waiting = 0;
let scrolling = 0;
/** Whether a sentence stands where the table would be. */
let refused = false;

/** Begin to fetch accounts and grid; done when Dash can draw the page. */
export async function open() {
  page.choice = choiceOf(location.search);
  ask(page.choice.whom);
  if (!page.script) {
    page.script = gridScript();
    connectAccounts($("react-entry-point"));
  }
  await page.script;
}

/** @param {string} whom */
function ask(whom) {
  page.whom = whom;
  page.at = Date.now();
  page.fetched = json(fetch(`/api/accounts?whom=${whom}`)).then(decode);
  page.fetched.catch(() => {}); // said where it is awaited
  return page.fetched;
}

/** The accounts behind the figure in the address; null without one. @param {Choice} choice @returns {Promise<Behind | null>} */
async function behind({ figure, at }) {
  if (!figure) return null;
  const of = `/api/figures/${figure.split("/").map(encodeURIComponent).join("/")}?at=${encodeURIComponent(at)}`;
  if (page.behind?.of === of) return page.behind;
  const { words, accounts } = await json(fetch(of));
  return { of, words, ids: new Set(accounts) };
}

/** Called whenever the page under an address may have come, gone or been drawn anew. */
async function connect() {
  const place = $("accounts-grid");
  if (!place) {
    page.grid?.api.destroy();
    page.grid = page.place = null;
    return;
  }
  if (place === page.place) return;
  page.place = place;
  page.grid?.api.destroy();
  page.grid = null;
  refused = false;
  try {
    const choice = choiceOf(location.search);
    const [agGrid, state, figure] = await Promise.all([library, page.fetched ?? ask(choice.whom), behind(choice)]);
    if (place !== page.place) return;
    page.choice = choiceOf(location.search);
    page.behind = figure;
    hold(state);
    drawTools($("accounts-tools"), page.choice, choose);
    fillTools(state, facets(state));
    place.replaceChildren();
    page.grid = makeGrid(agGrid, place, page.held, page.choice, { sorted: (sort) => choose({ sort }), selected: select, shown: tell, seen });
    select([...page.grid.api.getSelectedNodes()].map((node) => node.data.id));
  } catch (error) {
    // The sentence is a change of the page itself: asked again at once, it would be asked for without end.
    page.fetched = null;
    refuse(place, error);
  }
}

/** @param {HTMLElement} place @param {unknown} error */
function refuse(place, error) {
  refused = true;
  place.replaceChildren();
  const sentence = document.createElement("p");
  sentence.className = "nothing";
  sentence.setAttribute("role", "alert");
  sentence.textContent = error instanceof TypeError ? `${failure(error)} This page tries again by itself.` : failure(error);
  place.append(sentence);
}

/** @param {AccountsState} state */
function hold(state) {
  page.held.state = state;
  page.held.passes = matcher(page.choice, page.behind);
  const place = $("accounts-behind");
  place.hidden = page.behind === null;
  place.textContent = page.behind ? behindWords(page.behind, state, full(Date.parse(page.choice.at))) : "";
}

/** Take over some choices: into the address, the table and the sentence above it. @param {Partial<Choice>} some */
function choose(some) {
  const before = page.choice;
  page.choice = { ...before, ...some };
  history.replaceState(history.state, "", `${location.pathname}${searchOf(page.choice)}`);
  if (!page.choice.figure && page.behind) {
    page.behind = null;
    hold(page.held.state);
  }
  if (page.choice.whom !== page.whom) return renew();
  page.held.passes = matcher(page.choice, page.behind);
  if (!("sort" in some) && !("selected" in some)) page.grid?.api.onFilterChanged();
  return undefined;
}

/** @param {number[]} ids */
function select(ids) {
  const rows = page.held.state.rows.filter((row) => page.held.passes(row));
  const chosen = new Set(ids);
  const all = rows.length > 1 && rows.length === ids.length && rows.every((row) => chosen.has(row.id));
  choose({ selected: all ? "all" : chosen });
  const byId = new Map(page.held.state.rows.map((row) => [row.id, row]));
  drawBulk($("accounts-bulk"), ids.flatMap((id) => byId.get(id) ?? []), page.held.state, {
    done: () => renew(),
    clear: () => page.grid?.api.deselectAll(),
  });
}

/** @param {number} shown */
function tell(shown) {
  const { state } = page.held;
  const of = page.choice.whom === "file" ? "stored only" : page.choice.whom === "all" ? "watched and stored" : "watched";
  if (state.total === 0) {
    $("accounts-count").textContent = `No accounts are ${of} yet. Add some by their handles or addresses.`;
    return;
  }
  const posts = postsIn(state.rows);
  const whole = `${posts ? counted(state.rows.length, posts) : count(state.rows.length)} ${of}`;
  const part = posts ? `${partOf(shown, state.rows.length, posts)} ${of}` : `${count(shown)} of ${whole}`;
  const cut = state.total > state.rows.length ? `, the first of ${count(state.total)}: use the search to find others` : "";
  const late = state.rows.reduce((n, row) => n + Number(row.late), 0);
  $("accounts-count").textContent = `${isFiltered(page.choice) ? part : whole}${cut}${late ? `, ${count(late)} late` : ""}`;
}

/** Fetch the accounts again and put them in place of those shown; selection and scroll stay. */
async function renew() {
  const { place } = page;
  if (!place) return;
  try {
    const state = await ask(page.choice.whom);
    if (refused) {
      page.place = null; // from the beginning
      return connect();
    }
    if (!page.grid) return;
    addHeld(state);
    hold(state);
    fillTools(state, facets(state));
    page.grid.api.setGridOption("rowData", state.rows);
    page.grid.api.refreshCells({ force: true });
    page.grid.api.onFilterChanged();
    seen(page.grid.api.getRenderedNodes().map(({ data }) => data));
  } catch (error) {
    if (!page.grid && place === page.place) refuse(place, error);
  }
}

/** What was before of the accounts that were on the screen: beside their rows. @param {AccountsState} state */
function addHeld(state) {
  const rowsOf = Map.groupBy(state.rows, (row) => page.past.get(row.id)?.body ?? null);
  for (const [body, rows] of rowsOf) if (body) addPast(rows, body);
}

/** These rows came on the screen: what was before is asked for once it stands still. @param {AccountRow[]} rows */
function seen(rows) {
  clearTimeout(scrolling);
  scrolling = setTimeout(() => past(rows.map(({ id }) => id)), STILL_MS);
}

/** What was before comes after: the table is there meanwhile. @param {number[]} onScreen */
async function past(onScreen) {
  const at = Date.now();
  const ids = onScreen.filter((id) => at - (page.past.get(id)?.at ?? 0) >= PAST_MS).slice(0, MOST_PAST);
  if (!ids.length) return;
  for (const id of ids) page.past.set(id, { at, body: page.past.get(id)?.body ?? null });
  try {
    /** @type {AccountsPast} */
    const body = await json(fetch(`/api/accounts/past?ids=${ids}`));
    for (const id of ids) page.past.set(id, { at, body });
    const asked = new Set(ids);
    addPast((page.held.state?.rows ?? []).filter(({ id }) => asked.has(id)), body);
    page.grid?.api.refreshCells({ force: true });
  } catch {
    for (const id of ids) page.past.delete(id); // asked again with the next news
  }
}

/** Something was recorded: show it soon, and a burst of it once. */
function news() {
  if (waiting || !page.place) return;
  waiting = setTimeout(() => {
    waiting = 0;
    renew();
  }, Math.max(0, page.at + AGAIN_MS - Date.now()));
}

/** @param {HTMLElement} place */
function connectAccounts(place) {
  new MutationObserver(connect).observe(place, { childList: true, subtree: true });
  connect();
  document.addEventListener("blockline:news", news);
  // A minute without news still makes readings older: what is late has to be said.
  setInterval(() => document.hidden || Date.now() - page.at < 60_000 || news(), 10_000);
  new MutationObserver(() => page.grid?.api.refreshCells({ force: true })).observe(root, { attributeFilter: ["data-zone"] });
  addEventListener("popstate", () => {
    if (location.pathname !== "/accounts" || (!page.grid && !refused)) return;
    if (!page.grid || choiceOf(location.search).figure !== page.choice.figure || choiceOf(location.search).at !== page.choice.at) {
      page.place = null;
      page.fetched = null;
      connect();
      return;
    }
    page.choice = choiceOf(location.search);
    drawTools($("accounts-tools"), page.choice, choose);
    fillTools(page.held.state, facets(page.held.state));
    choose({});
    page.grid.arrange(page.choice);
  });
}
