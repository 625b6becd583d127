// The live page's conductor: takes the data in, keeps it current, and says what has to be drawn.

import { announce } from "./board/feed-view.mjs";
import { readTheme } from "./board/marks.mjs";
import { apply, decode, listAsked, RANGES } from "./board/state.mjs";
import { connectBrush } from "./live/brush.mjs";
import { adopt, connectControls, hintWheel, keepAddress, showChoices, view } from "./live/controls.mjs";
import { chart, connectBoard, current, draw, drawBoard, drawnLanes, resetLanes } from "./live/draw.mjs";
import { connectGestures } from "./live/gestures.mjs";
import { shownIds } from "./live/listing.mjs";
import { layout, showNothing } from "./live/page.mjs";
import { bounded, holds, rangeFor, shownWindow } from "./live/window.mjs";
import { failure, granted, json } from "./shell/answers.mjs";
import { connectChecklists } from "./shell/checklists.mjs";
import { hearCollectors, showCollectors } from "./shell/collectors.mjs";
import { unpack } from "./shell/columnar.mjs";
import { giveDash, noteDashRuns, presentPage } from "./shell/dash.mjs";
import { connectDashInputs } from "./shell/dash-inputs.mjs";
import { $, all } from "./shell/dom.mjs";
import { connectFirstRun, shownPage } from "./shell/first-run.mjs";
import { connectForms, countWaiting } from "./shell/forms.mjs";
import { connectHeader, showBanner, showPill } from "./shell/header.mjs";
import { connectLabels } from "./shell/labels.mjs";
import { connectAnchors, connectLinks, connectLoading } from "./shell/navigate.mjs";
import { connectPlots } from "./shell/plots.mjs";
import { age, heard as beat, newPulse, pillWords } from "./shell/pulse.mjs";
import { connectSearch } from "./shell/search.mjs";
import { connectShortcuts } from "./shell/shortcuts.mjs";
import { connectTablePages } from "./shell/table-pages.mjs";
import { connectTables } from "./shell/tables.mjs";
import { connectTimes } from "./shell/times.mjs";
import { connectToasts, showToast } from "./shell/toast.mjs";
import { connectUnfinished } from "./shell/unfinished.mjs";
import { connectUploads } from "./shell/uploads.mjs";

const shared = globalThis.__blockline;
const root = document.documentElement;
/** Each page: what its address begins with, its title, and the page that the navigation marks for it.
 * @type {[string, string, string][]}
 */
const titles = JSON.parse(root.dataset.pages ?? "[]");
/** Pages with a table of names. */
const NAMES = /^\/(accounts\/add|names|orders\/new|orders\/\d+\/edit)(\/|$)/;
/** Readings that were recorded very late change the past: after so long everything is fetched anew. */
const RENEW_MS = 30 * 60_000;
/** Where websockets are blocked it is tried again, but not all the time. */
const WAKE_MS = 5 * 60_000;
/** @type {LiveState | null} */
let state = null;
/** @type {Promise<void> | null} */
let loading = null;
/** Asked to load while loading: what is on its way may have been read too early, so it is fetched once more. */
let again = false;
/** @type {Promise<void> | null} */
let catching = null;
/** When anything came, when something came by the websocket, and when it was last asked to connect again. */
let heard = 0;
let pushed = Date.now();
let woke = 0;
const pulse = newPulse();
let loaded = 0;
/** Why nothing comes, in a sentence. @type {string | null} */
let lost = null;
let frame = 0;
let wholly = false;
/** The status of the collectors in the last message, to see that it changed. @type {string | null} */
let shownStates = null;

/** Draw once in the next frame, however often it is asked for: all of it, or the board alone while it moves. */
function redraw(whole = true) {
  wholly ||= whole;
  if (frame || !state || root.dataset.page !== "live") return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    if (!state) return;
    if (wholly) draw(state, view);
    else drawBoard(state, view);
    wholly = false;
    root.dataset.painted = String(state.rev);
    shared.rev = state.rev;
    // Not before what was drawn is on the screen.
    if ("requestIdleCallback" in globalThis) requestIdleCallback(shared.startDash, { timeout: 500 });
    else setTimeout(shared.startDash, 50);
  });
}

/** Fetch a longer range when what is shown reaches beyond what is here. */
function extend() {
  if (!state || loading) return;
  const window = shownWindow(state, view);
  const range = view.span ? rangeFor(state, window[0]) : view.range;
  if (!holds(state, window) && RANGES[range] > RANGES[state.range ?? view.range]) load(range);
}

/** Show another window of time, as somebody drags it. @param {Span} window */
function move(window) {
  if (!state) return;
  view.span = bounded(state, window);
  redraw(false);
}

function settle() {
  showChoices();
  keepAddress();
  redraw();
  extend();
}

/** @param {RangeName} range @param {Promise<Response> | null} [response] */
async function load(range, response = null) {
  loading = (async () => {
    try {
      const answer = await granted(response ?? fetch(`/api/live?range=${range}`));
      const { snapshot, news } = unpack(await answer.arrayBuffer());
      const rev = state ? state.rev + 1 : 1;
      state = decode(snapshot);
      if (news) apply(state, news);
      state.rev = rev;
      state.range = range;
      shared.state = state;
      hearCollectors(state.detectors, state.now);
      heard = loaded = Date.now();
      beat(pulse, news?.beat, heard);
      lost = null;
      // A list that is no more, or was never there, is no choice.
      if (/^\d+$/.test(view.list)) view.list = listAsked(state, `?list=${view.list}`) ?? "all";
      layout(state, view);
      showChoices();
    } catch (error) {
      lost = failure(error);
    }
  })();
  await loading;
  loading = null;
  pill();
  redraw();
  if (again) {
    again = false;
    reload();
  } else if (!lost) extend();
}

function reload() {
  if (loading) again = true;
  else load(state?.range ?? view.range);
}

/** Fetch what was missed since the last event this page knows of. */
async function catchUp() {
  if (catching || !state) return catching;
  catching = (async () => {
    try {
      const body = await json(fetch(`/api/live/since?id=${state.id}&read=${state.readTo}`));
      shared.resyncs = (shared.resyncs ?? 0) + 1;
      take(body);
    } catch (error) {
      lost = failure(error);
      pill();
    }
  })();
  await catching;
  catching = null;
}

/** What the rows of the board are made of. @param {State} state */
const rowsOf = (state) => JSON.stringify([state.lists, state.executives, state.orders.map((o) => [o.list, o.title, o.named])]);

/** @param {Delta} message */
function take(message) {
  if (message.lost) {
    lost = message.lost;
    pill();
    return;
  }
  heard = Date.now();
  beat(pulse, message.beat, heard);
  lost = null;
  if (document.querySelector("#page .away")) ask();
  labels.hear(message);
  if (message.reload || message.changes || message.renames) document.dispatchEvent(new Event("blockline:news"));
  if (message.detectors) {
    hearCollectors(message.detectors, message.now);
    renewHealth(JSON.stringify([message.detectors.bad, message.detectors.issues, message.detectors.worst.map(({ name, state, why }) => [name, state, why])]));
  }
  if (state) {
    const before = rowsOf(state);
    const answer = apply(state, message);
    if (answer === "behind") catchUp();
    if (answer === "reload") reload();
    if (before !== rowsOf(state)) layout(state, view);
  } else if (root.dataset.page === "live" && (message.reload || !loading)) reload();
  pill();
  redraw();
}

/** The server writes the health page: request it again when a collector stops or recovers. @param {string} states */
function renewHealth(states) {
  const changed = shownStates !== null && shownStates !== states;
  shownStates = states;
  if (changed && root.dataset.page === "health") ask();
}

/** Have the server write the page that is shown once more. */
const ask = () => giveDash("routed", route(location.pathname, location.search));

function pill() {
  showBanner(state || root.dataset.page !== "live" ? lost : null);
  if (lost && !state) showNothing(lost);
  const [kind, word, silent] = pillWords(age(pulse, Date.now()), lost);
  showPill(kind, word, silent);
  showCollectors(kind === "lost" || kind === "connecting" ? null : age(pulse, Date.now()));
}

/** Ask again when nothing came by the push for a while (websockets blocked, or given up), and now and then anew. */
async function poll() {
  countWaiting();
  if (loading) return;
  if (state && Date.now() - loaded > (state.renew ?? RENEW_MS) && root.dataset.page === "live") load(state.range ?? view.range);
  if (Date.now() - heard < 10_000) return;
  await (state ? catchUp() : load(view.range));
  const now = Date.now();
  if (now - heard < 10_000 && now - pushed > 30_000 && now - woke > WAKE_MS) {
    woke = now;
    giveDash("live-wake", now);
  }
}

/** @param {string | undefined} path @param {string | undefined} query */
function route(path, query) {
  const page = shared.pageOf(path ?? location.pathname);
  root.dataset.page = shownPage(page);
  root.dataset.path = shared.pathOf(path ?? location.pathname);
  const [, name, under, help] = titles.find(([of]) => of === page) ?? ["", "", "", ""];
  /** @type {HTMLAnchorElement} */ ($("help-page")).href = help ? `/help/${help}` : "/help";
  for (const link of all(document, "[data-nav]")) {
    if (link.dataset.nav === under) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = name ? `${name} · Blockline` : "Blockline";
  const asked = query ?? location.search;
  if (page === "live") {
    // An address that says something is taken at its word; one that says nothing gets what is shown.
    if (asked) adopt(asked);
    else keepAddress();
    if (!state && !loading) load(view.range);
    extend();
    redraw();
  }
  // Only who looks at the replay needs what plays it.
  if (root.dataset.path === "/replay") import("./replay/main.mjs").then((film) => film.open());
  countWaiting();
  return { path: path ?? location.pathname, query: asked, theme: root.dataset.theme };
}

connectHeader({
  zone: () => {
    if (state) layout(state, view);
    redraw();
  },
  theme: () => {
    readTheme();
    resetLanes();
    redraw();
    // The server draws the figures that are no canvas: it has to know of the theme.
    if (document.querySelector("#page .dash-graph, #page .drawn")) ask();
  },
});
connectLinks();
connectControls({
  redraw,
  extend,
  save: async (kind) => {
    // Only who saves a picture needs what makes one.
    const { save } = await import("./live/picture.mjs");
    await save(kind, ["Blockline", $("subtitle").textContent, document.querySelector("#live .tag")?.textContent].filter(Boolean).join(" · "));
  },
});
connectBoard({
  select: (account) => {
    view.account = account.id;
    keepAddress();
  },
  look: (account) => {
    Object.assign(view, { fit: false, account: account.id });
    drawnLanes().chosen = null;
    settle();
  },
});
/** The window as it was last asked for, which may not be drawn yet: several turns of a wheel come in one frame. */
const latest = () => current && { ...current, window: shownWindow(current.state, view) };
const moving = { chart, current: latest, move, settle };
connectBrush($("c-brush"), moving);
connectGestures($("board"), {
  ...moving,
  reset: () => {
    view.span = null;
    settle();
  },
  pause: () => $("pause").click(),
  wheeled: hintWheel,
});
const pages = $("react-entry-point");
const labels = connectLabels(pages, ask);
connectAnchors(pages);
connectLoading(pages);
connectTables(pages);
connectPlots(pages);
connectTablePages(pages);
connectChecklists(pages);
connectDashInputs(pages);
connectSearch();
connectShortcuts();
connectUnfinished(pages, ask);
connectFirstRun(pages, redraw);
connectUploads(pages);
const readAgain = () => {
  ask();
  countWaiting(true);
};
connectForms(readAgain);
connectToasts(readAgain);
connectTimes(pages);
readTheme();
adopt(location.search);
if (shared.first) load(shared.range, shared.first);
route(location.pathname, location.search);
shared.arrived({
  push: (message) => {
    if (message) {
      pushed = Date.now();
      take(message);
    }
    return state ? state.rev : 0;
  },
  poll,
  toast: (given) => {
    if (given) showToast(given);
  },
  // Only who files an order needs what reads files.
  orderFile: async (act, given) => /** @type {Record<string, (...given: any[]) => unknown>} */ (await import("./orders/files.mjs"))[act](...given),
  route: async (path, query) => {
    // A script of its own, which no other page waits for; Dash draws a component only when its script is there.
    const asked = shared.pathOf(path ?? location.pathname);
    if (asked === "/accounts") await (await import("./accounts/page.mjs")).open();
    else if (NAMES.test(asked)) await (await import("./shell/grid-script.mjs")).gridScript();
    // Before Dash started, the page followed its address by itself. Following it again would undo what the reader is doing.
    const isFollowed = noteDashRuns() && root.dataset.path === shared.pathOf(location.pathname);
    return isFollowed ? presentPage() : route(path, query);
  },
});
setInterval(() => {
  pill();
  if (state && root.dataset.page === "live") announce(state, view, shownIds(state, view));
}, 1000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) poll();
});
document.addEventListener("resume", poll);
addEventListener("resize", () => redraw());
