// Draws the live page from the state and the reader's choices. The board alone is drawn while somebody zooms or pans.

import { annotations, drawAnnotations, linkAnnotations } from "../board/annotations.mjs";
import { columnsOf, drawAxis, drawFleet, drawOverlay, drawStrip, FLEET_HEIGHT, writeEnds } from "../board/context.mjs";
import { members } from "../board/counts.mjs";
import { connectExecutives, drawExecutive } from "../board/executives.mjs";
import { renderFeed } from "../board/feed-view.mjs";
import { Lanes } from "../board/lanes.mjs";
import { paintLegend } from "../board/legend.mjs";
import { postsIn, sizeOf } from "../board/posts.mjs";
import { connectPressed } from "../board/pressed.mjs";
import { windowOf } from "../board/state.mjs";
import { openTable } from "../board/table.mjs";
import { hideTip, tipForAccount, tipForGroup } from "../board/tip.mjs";
import { behind, statusFigure } from "../shell/behind.mjs";
import { $, all, find, patch, say } from "../shell/dom.mjs";
import { navigate } from "../shell/navigate.mjs";
import { stamp, zoneName } from "../shell/time.mjs";
import { drawBrush } from "./brush.mjs";
import { renderCards } from "./cards.mjs";
import { renderKpis, shownWords } from "./kpis.mjs";
import { listOf, shownIds } from "./listing.mjs";
import { quietHtml, quietWords } from "./quiet.mjs";
import { factsOf, partsOf, rowsOf, spotAt, writeFlows, writeShare } from "./spots.mjs";
import { holds, shownWindow } from "./window.mjs";

const shared = globalThis.__blockline;
/** What is so near to the screen is drawn before it is scrolled there; but not while the board moves. */
const NEAR_PX = 400;
/** @type {Lanes | null} */
let lanes = null;
/** @type {number | null} */
let cursor = null;
/** What was drawn last. @type {Drawn | null} */
export let current = null;
/** The same, for what is asked of it once it is. */
const drawn = () => /** @type {Drawn} */ (current);
/** @type {ReturnType<typeof measure> | null} */
let widths = null;
/** Where the board begins. */
let edge = 0;
/** @type {Pick<LanesOn, "select" | "look">} */
let on;

/** `on` = {select(account), look(account)}: what the lanes ask for. @param {Pick<LanesOn, "select" | "look">} asks */
export function connectBoard(asks) {
  on = asks;
  addEventListener("resize", () => (widths = null));
  addEventListener("scroll", scrolled, { passive: true });
  connectExecutives($("executives"), () => current);
  connectPressed($("board"), (event) => current && spotAt(current, event));
}

export function resetLanes() {
  for (const row of lanes?.rows ?? []) row.key = "";
  paintLegend(null);
}

/** The lanes, once they are. */
export const drawnLanes = () => /** @type {Lanes} */ (lanes);

/** Where the board's drawings are, in pixels of the window; null before they are. */
export function chart() {
  return current && { left: edge + current.left, width: current.width };
}

/** Measured anew after the window has another size, and each time that all is drawn: the page may have got a scrollbar. */
function measure() {
  edge = $("board").getBoundingClientRect().left;
  return columnsOf($("board"));
}

/** @param {LiveState} state @param {View} view */
export function draw(state, view) {
  renderKpis(state, view);
  if (state.accounts.length === 0) return;
  widths = null;
  drawBoard(state, view, true);
  // The bands have all accounts that the filter leaves.
  const quiet = lanes?.inBands && !view.filter ? "" : quietHtml(quietWords(state, view));
  patch($("quiet"), quiet);
  $("quiet").hidden = !quiet;
  const preset = windowOf(state, view.range)[0];
  const shown = shownIds(state, view);
  renderFeed(state, view, Math.max(state.from, Math.min(preset, current?.window[0] ?? preset)), shown);
  say($("feed-note"), view.paused ? "paused" : shown ? shownWords(sizeOf(listOf(state, view)), postsIn(listOf(state, view))) : "newest first");
}

/**
 * `isStill`: it is not being zoomed or panned. Only then do its numbers lead somewhere: links cost more than a frame has.
 * @param {LiveState} state @param {View} view @param {boolean} [isStill]
 */
export function drawBoard(state, view, isStill = false) {
  if (state.accounts.length === 0) return;
  widths ??= measure();
  const { left, right, width } = widths;
  if (width < 60) return;
  const window = shownWindow(state, view);
  const marks = annotations(state);
  const list = listOf(state, view);
  current = { ends: current?.ends ?? [], state, view, window, marks, list, left, width, right };
  shared.window = window;
  drawBrush($("c-brush"), state, window, width);
  const places = drawAnnotations($("c-ann"), marks, window, width);
  $("ann-links").hidden = !isStill;
  if (isStill) linkAnnotations($("ann-links"), places);
  writeFlows($("strip-flows"), current, isStill);
  drawAxis($("c-axis"), window, width);
  if (!view.only) drawContext(state, window, width, isStill);
  if (innerWidth > 640) {
    lanes ??= connectLanes();
    lanes.set(state, list, window, left, width, right, view.fit);
    choose(lanes, state, view);
    $("as-table").onclick = () => openTable(state, list, window, factsOf(drawn()), quietHtml(quietWords(state, view)));
  } else renderCards(state, list, view, window);
  placeOverlay();
}

/** The account that the address names, as soon as it is there. @param {Lanes} lanes @param {State} state @param {View} view */
function choose(lanes, state, view) {
  if (view.account === null || lanes.chosen === view.account) return;
  lanes.chosen = view.account;
  const account = state.byId.get(view.account);
  if (account) lanes.choose(account);
}

/** @param {LiveState} state @param {Span} window @param {number} width @param {boolean} isStill */
function drawContext(state, window, width, isStill) {
  const t = Math.min(state.now, window[1]);
  const ends = drawFleet($("c-fleet"), state, window, width, FLEET_HEIGHT);
  drawn().ends = ends;
  writeEnds($("fleet-ends"), ends, (end) => (isStill ? behind(statusFigure("board/all", end.letters, t), state.now) : null));
  // The figures at the right are of the end of the window: "now" stands there only when it is now.
  const when = t === state.now ? "now" : `${stamp(t)} ${zoneName(t)}`;
  say($("strip-when"), innerWidth <= 640 || t < state.now ? when : state.lists.some((l) => l.posts) ? "of those read" : "of accounts read");
  drawStrips(isStill);
  for (const row of all($("executives"), ".executive")) {
    const executive = state.executives.find((e) => e.id === Number(row.dataset.executive));
    if (executive) drawExecutive(find(row, "canvas"), state, executive, window, width, 48);
  }
}

/**
 * The rows of lists that are on the screen or near it: hundreds of drawings are too many for each frame.
 * @param {boolean} isStill
 */
function drawStrips(isStill) {
  const { state, window, width } = drawn();
  const t = Math.min(state.now, window[1]);
  const root = $("strips");
  const rows = [...rowsOf(root)];
  const { top, height } = root.getBoundingClientRect();
  const each = Math.max(1, height / Math.max(1, rows.length));
  const near = isStill ? NEAR_PX : 0;
  const [first, last] = [-top - near - each, innerHeight - top + near].map((y) => Math.max(0, Math.ceil(y / each)));
  for (const row of rows.slice(first, last)) {
    const { canvas, right } = partsOf(row);
    const list = Number(row.dataset.list);
    writeShare(right, drawStrip(canvas, state, members(state, list), window, width, 18), list, isStill ? t : null, state.now);
  }
}

/** Draw the rows of lists that come onto the screen. */
function scrolled() {
  if (current && !current.view.only && document.documentElement.dataset.page === "live") requestAnimationFrame(() => drawStrips(true));
}

function placeOverlay() {
  const { state, window, marks, left, width, view } = drawn();
  const overlay = /** @type {HTMLCanvasElement} */ ($("c-overlay"));
  const top = (view.only ? $("c-axis") : $("c-fleet")).offsetTop;
  overlay.style.left = `${left}px`;
  overlay.style.top = `${top}px`;
  const unloaded = holds(state, window) ? null : state.from;
  drawOverlay(overlay, marks, window, width, $("board").clientHeight - top, cursor, view.only ? 0 : FLEET_HEIGHT + 1, unloaded);
}

function connectLanes() {
  const board = $("board");
  board.addEventListener("mousemove", (event) => {
    if (event.buttons) return;
    const { left, width, window } = drawn();
    const x = event.clientX - edge - left;
    cursor = x >= 0 && x <= width ? window[0] + (x / width) * (window[1] - window[0]) : null;
    requestAnimationFrame(placeOverlay);
  });
  board.addEventListener("mouseleave", () => {
    cursor = null;
    placeOverlay();
  });
  const made = new Lanes($("lanes"), {
    hover: (account, t, event) => tipForAccount(drawn().state, account, Math.min(t, drawn().state.now), event),
    survey: (group, t, event) => tipForGroup(drawn().state, group, Math.min(t, drawn().state.now), event),
    leave: hideTip,
    select: (account) => {
      made.chosen = account.id;
      on.select(account);
    },
    look: (account) => {
      hideTip();
      on.look(account);
    },
    open: (account) => {
      hideTip();
      made.chosen = account.id;
      on.select(account);
      navigate(`/account/${account.id}`);
    },
  });
  return made;
}
