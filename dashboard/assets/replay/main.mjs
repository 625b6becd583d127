// The conductor of the replay page: fetches the film, lets it run, and keeps what is drawn, the address and the table in step.

import { failure, granted } from "../shell/answers.mjs";
import { giveDash, presentPage } from "../shell/dash.mjs";
import { $ } from "../shell/dom.mjs";
import { searchOf } from "./address.mjs";
import { advanced, otherSpeed, stepped } from "./clock.mjs";
import { connectControls, offerClip, showChoices } from "./controls.mjs";
import { connectFilm, draw, drawnLanes, forget } from "./draw.mjs";
import { adopt, begin, choose, chooseList, eventAfter, go, range, shown, stage, step } from "./stage.mjs";
import { utcWords } from "./words.mjs";

const root = document.documentElement;
const shared = globalThis.__blockline;
/** A tab that was asleep does not jump. */
const LONGEST_MS = 250;
/** For who wants less motion: from event to event, so often. */
const CALM_MS = 1_000;
/** The address follows a film that plays so often: browsers refuse more. */
const ADDRESS_MS = 1_000;
/** The table below is asked for when the moment has stood still for so long. */
const STILL_MS = 600;
const calm = globalThis.matchMedia("(prefers-reduced-motion: reduce)");
/** @type {Promise<void> | null} */
let loading = null;
let frame = 0;
let before = 0;
let addressed = 0;
/** The address as it was written last. @type {string | null} */
let kept = null;
let still = 0;
/** The range that is being chosen. @type {Span | null} */
let asking = null;
let isDrawn = false;

const isHere = () => root.dataset.path === "/replay";

/** Draw once in the next frame, however often it is asked for. */
function redraw() {
  if (frame || !stage.film || !isHere()) return;
  frame = requestAnimationFrame((now) => {
    frame = 0;
    if (!isHere()) {
      stage.playing = false;
      return;
    }
    if (stage.playing) advance(now);
    draw(asking);
    root.dataset.filmed = String(stage.t);
    if (!isDrawn) {
      isDrawn = true;
      shared.startDash();
      offerClip();
    }
    if (stage.playing) redraw();
  });
}

/** @param {number} now */
function advance(now) {
  const ms = Math.min(LONGEST_MS, now - before);
  if (calm.matches) {
    if (now - before < CALM_MS) return;
    moved(stepped({ ...stage, range: range() }, (t) => eventAfter(t, 1)));
  } else moved(advanced({ ...stage, range: range() }, ms));
  before = now;
  if (!stage.playing) stop();
  else if (now - addressed > ADDRESS_MS) keepAddress();
}

/** @param {{ t: number, playing: boolean }} of */
function moved({ t, playing }) {
  go(t);
  stage.playing = playing;
}

function play() {
  if (stage.playing) return stop();
  const [from, to] = range();
  if (stage.t >= to || stage.t < from) go(from);
  stage.playing = true;
  before = performance.now();
  showChoices();
  redraw();
  return undefined;
}

function stop() {
  stage.playing = false;
  showChoices();
  settle();
}

/** What the address has to say of what is shown. */
const search = () => searchOf({ ...stage, at: stage.t });

function keepAddress() {
  addressed = performance.now();
  if (!isHere()) return;
  if (location.search !== search()) history.replaceState(history.state, "", `${location.pathname}${search()}`);
  kept = location.search;
}

/** The reader has done something: draw it, keep it in the address, and have the table follow when it stands still. */
function settle() {
  redraw();
  keepAddress();
  clearTimeout(still);
  still = setTimeout(() => {
    if (stage.playing || !isHere()) return;
    giveDash("routed", presentPage());
    $("f-said").textContent = `${utcWords(stage.t)}. ${$("f-differ").hidden ? "" : $("f-differ").textContent}`;
  }, STILL_MS);
}

/** @type {Record<Action["do"], (asked: Action) => unknown>} */
const ACTIONS = {
  play: () => play(),
  step: ({ by = 1, larger = false }) => step(by, larger),
  end: ({ by = 1 }) => go(range()[by < 0 ? 0 : 1]),
  event: ({ by = 1 }) => {
    const next = eventAfter(stage.t, by);
    if (next !== null) go(next);
    else $("f-said").textContent = by < 0 ? "No earlier event in this range." : "No later event in this range.";
  },
  speed: ({ by = 1, to }) => (stage.speed = to ?? otherSpeed(stage.speed, by)),
  loop: () => (stage.loop = !stage.loop),
  fit: () => (stage.fit = !stage.fit),
  view: ({ knew }) => {
    stage.knew = knew === undefined ? (stage.knew === null ? "then" : null) : knew;
    go(stage.t);
  },
  list: ({ list = "all" }) => chooseList(list),
  sort: ({ sort = "first" }) => {
    stage.sort = sort;
    const lanes = drawnLanes();
    if (lanes) lanes.root.scrollTop = 0;
  },
  from: () => choose([stage.t, Math.max(stage.t, range()[1])]),
  to: () => choose([Math.min(stage.t, range()[0]), stage.t]),
  whole: () => choose(null),
  range: ({ range: span = null }) => choose(span),
  go: ({ t = stage.t }) => {
    const [from, to] = range();
    if (t < from || t > to) choose(null);
    go(t);
  },
  pin: () => (stage.pinned = { at: stage.t, knew: stage.knew }),
  unpin: () => (stage.pinned = null),
  swap: () => {
    if (!stage.pinned) return;
    const { at, knew } = stage.pinned;
    stage.pinned = { at: stage.t, knew: stage.knew };
    stage.knew = knew;
    ACTIONS.go({ do: "go", t: at });
  },
};

/** Do what a key or a control asks for. @param {Action} action */
function act(action) {
  if (!stage.film) return;
  if (action.do === "play") return play();
  if (stage.playing && ["step", "event", "end"].includes(action.do)) stage.playing = false;
  ACTIONS[action.do](action);
  showChoices();
  settle();
}

async function load() {
  const wanted = shared.film ?? fetch("/api/replay");
  shared.film = null;
  try {
    begin(await (await granted(wanted)).arrayBuffer());
    $("f-away").hidden = true;
    $("film").dataset.ready = "";
    forget();
  } catch (error) {
    $("f-away").hidden = false;
    $("f-away").textContent = `${failure(error)} The film could not be loaded. The tables below show one moment without it.`;
    shared.startDash();
    throw error;
  }
}

/** The page is shown: once, again after another page, or with another address. */
export async function open() {
  loading ??= load().catch(() => void (loading = null));
  await loading;
  if (!stage.film) return;
  // The address that Dash received may be older than the present one.
  const asked = location.search;
  // While the film plays, the address follows it: that is nothing that somebody asks for.
  if (!isDrawn || asked !== kept) {
    // An address that says something is taken at its word; one that says nothing gets what was shown.
    if (asked || !isDrawn) adopt(asked);
    else settle();
    keepAddress();
  }
  showChoices();
  forget();
  redraw();
}

/** The film ends when it was fetched. What was recorded since is not in it, which is said. */
document.addEventListener("blockline:news", () => ($("f-renew").hidden = !stage.film));
$("f-renew").addEventListener("click", async () => {
  $("f-renew").hidden = true;
  await load().catch(() => {});
  settle();
});
connectFilm({
  each: () => {
    stage.fit = false;
    draw();
    showChoices();
    settle();
  },
});
connectControls({
  act,
  scrub: (t) => {
    stage.playing = false;
    stage.held = true;
    go(t);
    showChoices();
    redraw();
  },
  settle: () => {
    stage.held = false;
    settle();
  },
  asking: (span) => {
    asking = span;
    redraw();
  },
  choose: (span) => {
    asking = null;
    act({ do: "range", range: span });
  },
  address: () => `${location.origin}${location.pathname}${search()}`,
});
addEventListener("resize", () => {
  forget();
  redraw();
});
new MutationObserver(() => {
  forget();
  redraw();
}).observe(root, { attributeFilter: ["data-theme", "data-zone"] });
shared.reel = { stage, shown, act };
