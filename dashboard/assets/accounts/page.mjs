// The page of accounts: keeps table, tools and address in step, and says what is chosen. The server filters and sorts.

import { counted, partOf } from "../board/posts.mjs";
import { failure, json } from "../shell/answers.mjs";
import { $ } from "../shell/dom.mjs";
import { gridScript } from "../shell/grid-script.mjs";
import { count, full } from "../shell/time.mjs";
import { showToast } from "../shell/toast.mjs";
import { drawBulk } from "./bulk.mjs";
import { BLOCK, DEFAULT_SORT, library, makeGrid } from "./grid.mjs";
import { addPast, behindWords, choiceOf, decode, facets, isFiltered, listingOf, searchOf } from "./rows.mjs";
import { drawTools, fillTools } from "./tools.mjs";

const root = document.documentElement;
const page = /** @type {AccountsPage} */ (/** @type {unknown} */ ({
  choice: null, held: { state: { now: 0, gapAfter: 0, lateAfter: 0 }, shown: 0, selected: new Map() }, grid: null, place: null, script: null, choices: null, listing: null, at: 0, took: 0, past: new Map(), selected: new Map(), behind: null,
}));
/** After a change has been pushed the accounts are asked for again, at most so often; a listing that takes long, more rarely. */
const AGAIN_MS = 5_000;
const REST = 10;
/** What was before changes only by readings that come in late. */
const PAST_MS = 10 * 60_000;
/** Whose past is asked for once the screen has stood still so long; at most so many in one request. */
const STILL_MS = 150;
const MOST_PAST = 200;
/** Accounts whose past the browser keeps. */
const MOST_KEPT = 4_000;
/** The search waits until the reader stops writing. */
const WRITING_MS = 200;
let waiting = 0;
let scrolling = 0;
let writing = 0;
/** Counts the filters: an answer to an earlier one is not shown. */
let filters = 0;
/** Whether a sentence stands where the table would be. */
let refused = false;
/** Whether the counts are of other accounts than those that are chosen. */
let recount = false;
/** The listing whose first rows are in the table. @type {Promise<AccountsState> | null} */
let shown = null;

/** Begin to fetch the grid; done when Dash can draw the page. */
export async function open() {
  page.choice = choiceOf(location.search);
  if (!page.script) {
    page.script = gridScript();
    connectAccounts($("react-entry-point"));
  }
  await page.script;
}

/** What can be chosen, asked for with the figure in the address. @param {Choice} choice @returns {Promise<AccountChoices>} */
const choicesOf = ({ whom, figure, at }) => json(fetch(`/api/accounts/choices?${new URLSearchParams({ whom, ...(figure ? { figure, at } : {}) })}`));

/** The first rows of a listing, which say its moment. @param {URLSearchParams} asked @param {Promise<AccountChoices>} found */
function firstRows(asked, found) {
  page.at = Date.now();
  asked.set("start", "0");
  asked.set("count", String(BLOCK));
  page.listing = Promise.all([json(fetch(`/api/accounts?${asked}`)), found]).then(([body, choices]) => decode(body, choices));
  page.listing.then(() => { page.took = Date.now() - page.at; }, () => {}); // a failure is said where it is awaited
  return page.listing;
}

/**
 * Some rows of the listing; null when they are of another one, which is then asked for from its beginning.
 * @param {number} start @param {number} wanted @param {string} sort @returns {Promise<AccountsState | null>}
 */
async function rows(start, wanted, sort) {
  const filter = filters;
  const asked = listingOf(page.choice, sort);
  try {
    const begun = page.listing;
    const listing = begun ?? firstRows(asked, Promise.resolve(choices()));
    const first = await listing;
    let state = first;
    if (start > 0 || (begun && begun === shown)) {
      asked.set("start", String(start));
      asked.set("count", String(wanted));
      asked.set("moment", String(first.now));
      state = decode(await json(fetch(`/api/accounts?${asked}`)), choices());
    }
    if (filter !== filters || listing !== page.listing) return null;
    if (state.listing !== first.listing) {
      // Another process made it after something had changed: two orders must not be mixed.
      page.listing = null;
      setTimeout(() => page.grid?.api.refreshInfiniteCache(), STILL_MS);
      return null;
    }
    if (start === 0) shown = listing;
    hold(state);
    return state;
  } catch (error) {
    if (filter !== filters || !page.place) return null;
    page.listing = null;
    refuse(page.place, error);
    return null;
  }
}

const choices = () => /** @type {AccountChoices} */ (page.choices);

/** The accounts behind the figure in the address; null without one. @param {Choice} choice @returns {Promise<Behind | null>} */
async function behind({ figure, at }) {
  if (!figure) return null;
  const of = `/api/figures/${figure.split("/").map(encodeURIComponent).join("/")}?at=${encodeURIComponent(at)}`;
  if (page.behind?.of === of) return page.behind;
  const { words, accounts } = await json(fetch(of));
  return { of, words, n: accounts.length };
}

/** Called whenever the page under an address may have come, gone or been drawn again. */
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
    // The figure first: one that is refused is asked for once.
    const figure = await behind(choice);
    begin();
    const asked = choicesOf(choice);
    firstRows(listingOf(choice, choice.sort || DEFAULT_SORT), asked);
    const [agGrid, found] = await Promise.all([library, asked]);
    if (place !== page.place) return;
    page.choice = choiceOf(location.search);
    page.behind = figure;
    take(found);
    drawTools($("accounts-tools"), page.choice, choose);
    fillTools(found, facets(found));
    place.replaceChildren();
    const { selected } = page.choice;
    page.selected.clear();
    page.grid = makeGrid(agGrid, place, page.held, page.choice, { sorted, picked, all: selectAll, seen, rows });
    if (selected === "all") await selectAll(true);
    else select(new Map([...selected].map((id) => [id, null])));
  } catch (error) {
    // The sentence is a change of the page itself: asked again at once, it would be asked for without end.
    refuse(place, error);
  }
}

/** @param {HTMLElement} place @param {unknown} error */
function refuse(place, error) {
  refused = true;
  page.grid?.api.destroy();
  page.grid = null;
  place.replaceChildren();
  const sentence = document.createElement("p");
  sentence.className = "nothing";
  sentence.setAttribute("role", "alert");
  sentence.textContent = error instanceof TypeError ? `${failure(error)} This page tries again by itself.` : failure(error);
  place.append(sentence);
}

/** Another listing: its first block will be asked for. */
function begin() {
  filters++;
  page.listing = null;
}

/** @param {AccountChoices} found */
function take(found) {
  page.choices = found;
  const place = $("accounts-behind");
  place.hidden = page.behind === null || found.behind === null;
  place.textContent = page.behind && found.behind ? behindWords(page.behind, found.behind, full(Date.parse(page.choice.at))) : "";
}

/** @param {AccountsState} state */
function hold(state) {
  page.held.state = state;
  page.held.shown = state.shown;
  for (const row of state.rows) if (page.selected.has(row.id)) page.selected.set(row.id, row);
  for (const [body, some] of Map.groupBy(state.rows, (row) => page.past.get(row.id)?.body ?? null)) if (body) addPast(some, body);
  tell(state.shown);
}

/** Take over some choices: into the address, the table and the sentence above it. @param {Partial<Choice>} some */
function choose(some) {
  recount ||= "whom" in some || "figure" in some;
  page.choice = { ...page.choice, ...some };
  if (!page.choice.figure && page.behind) page.behind = null;
  address();
  clearTimeout(writing);
  // A selection is of what the filter showed: what another one hides must not be edited unseen.
  if (page.selected.size) select(new Map());
  begin();
  writing = setTimeout(() => (recount ? renew() : list()), "q" in some ? WRITING_MS : 0);
}

function address() {
  history.replaceState(history.state, "", `${location.pathname}${searchOf(page.choice)}`);
}

/** @param {string} sort */
function sorted(sort) {
  if (sort === page.choice.sort) return; // the grid says so of its first order too
  page.choice = { ...page.choice, sort };
  begin();
  address();
}

/** @param {AccountRow} row @param {boolean} on */
function picked(row, on) {
  if (on) page.selected.set(row.id, row);
  else page.selected.delete(row.id);
  select(page.selected);
}

/** Select exactly the accounts that the server lists now, or none. @param {boolean} on */
async function selectAll(on) {
  if (!on) return select(new Map());
  const asked = String(listingOf(page.choice, ""));
  try {
    const { ids } = await json(fetch(`/api/accounts/ids?${asked}`));
    if (asked !== String(listingOf(page.choice, ""))) return undefined;
    return select(new Map(ids.map((/** @type {number} */ id) => [id, page.selected.get(id) ?? null])), true);
  } catch (error) {
    showToast({ words: failure(error) });
    return select(new Map());
  }
}

/** @param {Map<number, AccountRow | null>} chosen @param {boolean} all */
function select(chosen, all = false) {
  page.selected = page.held.selected = chosen;
  page.choice = { ...page.choice, selected: all && chosen.size > 1 ? "all" : new Set(chosen.keys()) };
  address();
  page.grid?.mark();
  drawBulk($("accounts-bulk"), chosen, choices(), { done: () => renew(), clear: () => select(new Map()) });
}

/** @param {number} shown */
function tell(shown) {
  const { total, posts, late } = choices();
  const of = page.choice.whom === "file" ? "stored only" : page.choice.whom === "all" ? "watched and stored" : "watched";
  if (total === 0) {
    $("accounts-count").textContent = `No accounts are ${of} yet. Add some by their handles or addresses.`;
    return;
  }
  const whole = `${posts ? counted(total, posts) : count(total)} ${of}`;
  const part = posts ? `${partOf(shown, total, posts)} ${of}` : `${count(shown)} of ${whole}`;
  $("accounts-count").textContent = `${isFiltered(page.choice) ? part : whole}${late ? `, ${count(late)} late` : ""}`;
}

/** Show the listing of the filters from its first row. */
function list() {
  page.grid?.api.ensureIndexVisible(0, "top");
  page.grid?.api.refreshInfiniteCache();
}

/** Fetch the counts and the listing again and put them in place of those shown; selection and scroll stay. */
async function renew() {
  const { place } = page;
  if (!place) return;
  try {
    if (refused) {
      page.place = null; // from the beginning
      return connect();
    }
    begin();
    const filter = filters;
    const found = await choicesOf(page.choice);
    if (!page.grid || filter !== filters) return;
    recount = false;
    take(found);
    fillTools(found, facets(found));
    page.grid.api.refreshInfiniteCache();
  } catch (error) {
    if (!page.grid && place === page.place) refuse(place, error);
  }
}

/** These rows came on the screen: what was before is asked for once it stands still. @param {AccountRow[]} shown */
function seen(shown) {
  clearTimeout(scrolling);
  scrolling = setTimeout(() => past(shown), STILL_MS);
}

/** What was before comes after: the table is there meanwhile. @param {AccountRow[]} onScreen */
async function past(onScreen) {
  const at = Date.now();
  const wanted = onScreen.filter(({ id }) => at - (page.past.get(id)?.at ?? 0) >= PAST_MS).slice(0, MOST_PAST);
  if (!wanted.length) return;
  const ids = wanted.map(({ id }) => id);
  for (const id of ids) page.past.set(id, { at, body: page.past.get(id)?.body ?? null });
  try {
    /** @type {AccountsPast} */
    const body = await json(fetch(`/api/accounts/past?ids=${ids}`));
    for (const id of ids) page.past.set(id, { at, body });
    for (const id of page.past.keys()) {
      if (page.past.size <= MOST_KEPT) break;
      page.past.delete(id);
    }
    const asked = new Set(ids);
    page.grid?.api.forEachNode(({ data }) => data && asked.has(data.id) && addPast([data], body));
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
  }, Math.max(0, page.at + Math.max(AGAIN_MS, REST * page.took) - Date.now()));
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
    page.place = null; // from the beginning
    connect();
  });
}
