// Draws the film's page from the stage: the moment, the strip and the board with each picture, the rest when it has changed.

import { annotations, drawAnnotations, LABELS_PX } from "../board/annotations.mjs";
import { columnsOf, drawAxis, drawFleet, drawOverlay, FLEET_HEIGHT, writeEnds } from "../board/context.mjs";
import { connectExecutives, drawExecutive, showExecutives } from "../board/executives.mjs";
import { renderFeed, turnDay } from "../board/feed-view.mjs";
import { paintLegend } from "../board/legend.mjs";
import { scale, snap } from "../board/marks.mjs";
import { counted } from "../board/posts.mjs";
import { uncapital } from "../board/state.mjs";
import { factOfEnds, factsOfMarks, openTable } from "../board/table.mjs";
import { hideTip, tipForAccount, tipForGroup } from "../board/tip.mjs";
import { statusFigure } from "../shell/behind.mjs";
import { $, all, field, find, say } from "../shell/dom.mjs";
import { navigate } from "../shell/navigate.mjs";
import { count, dayYear, duration, stamp, zoneName } from "../shell/time.mjs";
import { renderFigures, renderMails, renderOrders } from "./beside.mjs";
import { stepOf } from "./clock.mjs";
import { FilmLanes } from "./lanes.mjs";
import { placesShown } from "./order.mjs";
import { renderPair } from "./pair.mjs";
import { address, differing, listName, pinned, range, scope, shown, stage, whole } from "./stage.mjs";
import { describeStrip, drawStrip, forgetStrip } from "./strip.mjs";
import { differenceWords, hereWords, knewWords, utcWords } from "./words.mjs";

/** What is read, not seen, is written so often while the film plays or is dragged; on a slow machine in a part of the time at most. */
const WORDS_MS = 250;
const WORDS_PART = 8;
/** @type {FeedView} */
const feedView = { openDays: new Set(), closedDays: new Set(), paused: false };
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** @type {FilmLanes | null} */
let lanes = null;
/** Measured anew after `forget`. @type {ReturnType<typeof measure> | null} */
let widths = null;
/** When words may be written again. */
let next = 0;
/** Of what the board was drawn last. */
let board = "";
/** @type {Map<number, Difference>} */
let differs = new Map();
/** @type {{ places: number[], state: Moment | null, accounts: Account[] }} */
let listed = { places: [], state: null, accounts: [] };
/** The bands of the fleet as they were drawn last. @type {End[]} */
let fleet = [];
let feed = "";
let people = "";

/** After the window, the theme or the zone has changed. */
export function forget() {
  widths = null;
  feed = people = "";
  made.clear();
  forgetStrip();
  for (const row of lanes?.rows ?? []) row.key = "";
  if (stage.film) paintLegend(shown(), $("f-legend"));
}

/** By name, of what it was drawn last: what stays the same is not drawn again. @type {Map<string, string>} */
const made = new Map();

/** @param {string} name @param {string} key @param {() => void} make */
function once(name, key, make) {
  if (made.get(name) === key) return;
  made.set(name, key);
  make();
}

/** @returns {{ left: number, right: number, width: number, strip: number, rows?: [head: number, bottom: number] }} */
const measure = () => ({ ...columnsOf($("f-board")), strip: Number($("f-strip").parentElement?.clientWidth) - 32 });

const sized = () => (widths ??= measure());

/** The window of the board: the range, and a little beyond, so that what has just changed can be seen. @param {Span} of @returns {Span} */
export function windowOf([from, to]) {
  return [from, to + Math.max(60_000, (to - from) * 0.02)];
}

/** Draw it. `asked`: a range that is being chosen. @param {Span | null} asked */
export function draw(asked = null) {
  const began = performance.now();
  const isWritten = !(stage.playing || stage.held) || began >= next;
  if (isWritten) differs = new Map(differing().map((d) => [d.account.i, d]));
  const compared = performance.now() - began;
  const { width, strip } = sized();
  if (width < 40) return;
  const state = shown();
  drawMoment(state);
  drawStrip($("f-strip"), stage.t, strip, asked);
  if (isWritten || board !== boardKey(state)) drawBoard(state);
  if (!isWritten) return;
  const drawn = performance.now();
  writeWords(state);
  const now = performance.now();
  next = now + Math.max(WORDS_MS, WORDS_PART * (compared + now - drawn));
}

/** @param {Moment} state */
function drawMoment(state) {
  say($("f-at"), utcWords(state.now, stage.playing ? stage.speed < 60 : state.now % 60_000 !== 0));
  const here = hereWords(state.now, zone);
  say($("f-zone"), [here, knewWords(stage.knew)].filter(Boolean).join(" · "));
}

/** The pixel of the moment and what is shown at it: a slow film draws the same board many times. @param {Moment} state */
const boardKey = (state) => [momentX(state), state.feedKey, stage.knew === null].join();

/** @param {Moment} state */
const momentX = (state) => snap(scale(windowOf(range()), sized().width)(state.now));

/** @param {Moment} state */
function drawBoard(state) {
  board = boardKey(state);
  const sizes = sized();
  const { left, width, right } = sizes;
  const window = windowOf(range());
  const marks = annotations(state);
  const still = [width, ...window].join();
  once("marks", still + JSON.stringify(marks), () => drawAnnotations($("f-ann"), marks, window, width));
  const ends = drawFleet($("f-fleet"), state, window, width, FLEET_HEIGHT);
  describeFleet(ends);
  once("axis", still, () => drawAxis($("f-axis"), window, width));
  drawExecutives(state, window, width);
  lanes ??= connectLanes();
  lanes.differing = differs;
  lanes.set(state, accountsShown(state), window, left, width, right, stage.fit && innerWidth > 640); // a phone has no button for it
  // Asked once: an answer makes the browser lay out all that was written since the last picture.
  sizes.rows ??= [$("f-ann").offsetTop + LABELS_PX, $("f-lanes").offsetTop + $("f-lanes").offsetHeight];
  const [head, bottom] = sizes.rows;
  once("overlay", still + JSON.stringify([marks, head, bottom]), () => {
    const overlay = /** @type {HTMLCanvasElement} */ ($("f-overlay"));
    overlay.style.left = `${left}px`;
    overlay.style.top = `${head}px`;
    drawOverlay(overlay, marks, window, width, bottom - head, null, 0);
    $("f-now").style.height = `${bottom - head}px`;
  });
  $("f-now").style.transform = `translate(${left + momentX(state)}px, ${head}px)`;
}

/** The accounts of the lanes, the same list for as long as their order is. @param {Moment} state */
function accountsShown(state) {
  const places = placesShown(differs);
  if (listed.places !== places || listed.state !== state) listed = { places, state, accounts: places.map((i) => state.all[i]) };
  return listed.accounts;
}

/** The accounts of a band. @param {End} end */
const addressOf = (end) => address(statusFigure(scope(), end.letters, stage.t));

/** What the pictures say, for the table. */
const facts = () => [factOfEnds(fleet, addressOf), ...factsOfMarks(annotations(shown()), windowOf(range()))];

/** @param {End[]} ends */
function describeFleet(ends) {
  fleet = ends;
  if (!writeEnds($("f-ends"), ends, addressOf)) return;
  $("f-fleet").setAttribute("aria-label", `Accounts by status up to the moment, at which ${ends.map((end) => `${count(end.value)} ${uncapital(end.name)}`).join(", ") || "none was read"}.`);
}

/** @param {Moment} state @param {Span} window @param {number} width */
function drawExecutives(state, window, width) {
  const key = state.executives.map((e) => `${e.id} ${e.name}`).join();
  const root = $("f-executives");
  if (people !== key || root.childElementCount !== state.executives.length) {
    people = key;
    sized().rows = undefined;
    showExecutives(state.executives, root);
  }
  for (const row of all(root, ".executive")) {
    const executive = state.executives.find((e) => e.id === Number(row.dataset.executive));
    if (executive) drawExecutive(find(row, "canvas"), state, executive, window, width, 48);
  }
}

/** @param {Moment} state */
function writeWords(state) {
  describeStrip($("f-strip"), stage.t);
  const words = differenceWords([...differs.values()]);
  const banner = $("f-differ");
  banner.hidden = !words;
  if (words && banner.dataset.said !== words.head + words.reasons) {
    banner.dataset.said = words.head + words.reasons;
    banner.replaceChildren(Object.assign(document.createElement("b"), { textContent: words.head }), ` ${words.reasons}`);
  }
  renderFigures($("f-kpis"));
  renderPair($("f-pair"), pinned(), state, windowOf(range()));
  renderOrders($("f-orders"), state);
  const { watched, posts } = state.kpis;
  say($("f-fleet-of"), posts.watched ? `${listName()}: ${counted(watched, posts.watched)}` : listName());
  const key = [state.feedKey, stage.list, stage.knew === null].join();
  if (key !== feed) {
    feed = key;
    renderFeed(state, feedView, state.now - state.feedSpan, null, $("f-feed"));
    renderMails($("f-mails"), $("f-mails-n"), state);
  }
  const [from, to] = range();
  const isWhole = stage.range === null;
  say($("f-range"), `${isWhole ? "Whole film" : "Range"}: ${dayYear(from)}, ${stamp(from).split(", ")[1]} to ${dayYear(to)}, ${stamp(to).split(", ")[1]} ${zoneName(to)}`);
  say($("f-step"), duration(stepOf(range())));
  field("f-whole").disabled = isWhole;
  const [first, last] = whole();
  field("f-prev").disabled = stage.t <= first;
  field("f-next").disabled = stage.t >= last;
}

/** What the board asks of the page. */
let asks = { each: () => {} };

/** `each` shows each lane in its full height. @param {{ each(): void }} on */
export const connectFilm = (on) => (asks = on);

function connectLanes() {
  $("f-feed").addEventListener("click", (event) => {
    if (!turnDay(feedView, event)) return;
    feed = "";
    draw();
  });
  connectExecutives($("f-executives"), () => ({ state: shown(), window: windowOf(range()) }));
  const shownLanes = new FilmLanes($("f-lanes"), {
    hover: (account, t, event) => (t <= stage.t ? tipForAccount(shown(), account, t, event) : hideTip()),
    leave: hideTip,
    open: (account) => navigate(`/account/${account.id}`),
    select: () => {},
    look: (account) => {
      hideTip();
      asks.each();
      shownLanes.choose(account);
    },
    survey: (group, t, event) => (t <= stage.t ? tipForGroup(shown(), group, t, event) : hideTip()),
  });
  $("f-table").addEventListener("click", () => openTable(shown(), shownLanes.list, windowOf(range()), facts()));
  return shownLanes;
}

export const drawnLanes = () => lanes;
