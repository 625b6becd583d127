// Two moments side by side: A is pinned, B is the one that is shown. Their figures, and the accounts that stand otherwise.

import { figures } from "../board/kpis.mjs";
import { drawLane } from "../board/lanes.mjs";
import { prepare, scale } from "../board/marks.mjs";
import { counted, postsIn } from "../board/posts.mjs";
import { capital } from "../board/state.mjs";
import { shownStatus } from "../film/difference.mjs";
import { all, escaped, find } from "../shell/dom.mjs";
import { count } from "../shell/time.mjs";
import { stage } from "./stage.mjs";
import { knewWords, utcWords } from "./words.mjs";

const MOST = 40;
const LANE_PX = 16;
const NAMES = { blocked: "Blocked then", new: "New blocks, 24 h", restored: "Restored, 24 h", provisional: "Provisional", orders: "Orders", unread: "Not checked" };
/** What was written last, and how wide the place for it was. */
let drawn = "";
let wide = 0;

/** The accounts that stand otherwise in two states, by their places: [{i, a, b}]. @param {Moment} a @param {Moment} b */
export function apart(a, b) {
  /** @type {{ i: number, a: ShownStatus, b: ShownStatus }[]} */
  const out = [];
  for (let i = 0; i < a.here.length; i++) {
    const [x, y] = [a.here[i] ? shownStatus(a, i) : NOT_WATCHED, b.here[i] ? shownStatus(b, i) : NOT_WATCHED];
    if (x.s !== y.s || x.w !== y.w) out.push({ i, a: x, b: y });
  }
  return out;
}

/** @type {ShownStatus} */
const NOT_WATCHED = { s: "none", w: "not watched" };

/**
 * The window of their lanes: the range, and what it takes to have both moments in it.
 * @param {Span} of @param {Pick<Moment, "now">} a @param {Pick<Moment, "now">} b @returns {Span}
 */
export const windowOfBoth = ([from, to], a, b) => [Math.min(from, a.now, b.now), Math.max(to, a.now, b.now)];

/** @param {HTMLElement} root @param {Moment | null} a @param {Moment} b @param {Span} range */
export function renderPair(root, a, b, range) {
  root.hidden = a === null;
  if (a === null) {
    drawn = "";
    return;
  }
  const differ = apart(a, b);
  const window = windowOfBoth(range, a, b);
  const html = head(a, b) + table(a, b) + list(differ, a);
  if (html !== drawn || wide !== root.clientWidth) {
    drawn = html;
    wide = root.clientWidth;
    root.innerHTML = html;
  }
  for (const row of all(root, "[data-place]")) {
    for (const [side, state] of Object.entries({ a, b })) lane(find(row, `[data-side=${side}]`), state, Number(row.dataset.place), window);
  }
}

/** @param {HTMLCanvasElement} canvas @param {Moment} state @param {number} i @param {Span} window */
function lane(canvas, state, i, window) {
  const width = Number(canvas.parentElement?.clientWidth);
  if (width < 20) return;
  const g = prepare(canvas, width, LANE_PX);
  drawLane(g, state, state.all[i], window, scale(window, width), 2, LANE_PX - 4, true);
}

/** @param {Moment} a @param {Moment} b */
function head(a, b) {
  /** @param {string} name @param {Moment} state @param {Knew} knew */
  const side = (name, state, knew) => `<p><b class="f-side">${name}</b> <b>${utcWords(state.now)}</b><small>${knewWords(knew)}</small></p>`;
  return `<div class="card-head"><h2>Two moments</h2><span class="grow"></span><button type="button" class="button small" data-pair="swap">Go to A</button><button type="button" class="button small" data-pair="off">Unpin</button></div><div class="f-sides">${side("A", a, stage.pinned?.knew ?? null)}${side("B", b, stage.knew)}</div>`;
}

/** @param {Moment} a @param {Moment} b */
function table(a, b) {
  const [left, right] = [figures(a), figures(b)];
  /** @param {string} words */
  const small = (words) => (words ? `<small>${words}</small>` : "");
  /** @param {string} words */
  const number = (words) => (/^[\d,]+$/.test(words) ? Number(words.replaceAll(",", "")) : null);
  const rows = /** @type {[keyof Figures, string][]} */ (Object.entries(NAMES)).map(([name, label]) => {
    const [x, y] = [left[name][0], right[name][0]];
    const [m, n] = [number(x), number(y)];
    const by = x === y ? "no change" : m === null || n === null ? "" : `${n > m ? "+" : "−"}${count(Math.abs(n - m))}`;
    return `<tr><th scope="row">${label}</th><td class="n">${x}${small(left[name][3])}</td><td class="n">${y}${small(right[name][3])}</td><td class="n">${by}</td></tr>`;
  });
  return `<table class="f-small"><thead><tr><th scope="col">Figure</th><th scope="col" class="n">A</th><th scope="col" class="n">B</th><th scope="col" class="n">Change</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** @param {ReturnType<typeof apart>} differ @param {Moment} a */
function list(differ, a) {
  if (!differ.length) return '<p class="nothing">Every account has the same status at both moments.</p>';
  const rows = differ.slice(0, MOST).map(({ i, a: x, b: y }) => {
    const { id, handle } = a.all[i];
    /** @param {string} side @param {ShownStatus} shown */
    const canvas = (side, shown) => `<span><canvas role="img" data-side="${side}" aria-label="${side.toUpperCase()}: ${escaped(capital(shown.w))}"></canvas></span>`;
    return `<li data-place="${i}"><a href="/account/${id}">@${escaped(handle)}</a>${canvas("a", x)}${canvas("b", y)}<span class="f-words">${escaped(capital(x.w))} → ${escaped(y.w)}</span></li>`;
  });
  const posts = postsIn(differ.map(({ i }) => a.all[i]));
  const more = differ.length > MOST ? `<p class="nothing">Only the first ${MOST} are shown.</p>` : "";
  return `<p class="f-count"><b>${counted(differ.length, posts)}</b> ${differ.length === 1 ? "has" : "have"} a different status at B than at A.</p><ul class="f-apart">${rows.join("")}</ul>${more}`;
}
