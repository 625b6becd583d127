// The rows of executives: what they did in public, what nobody outside can see, and what is only claimed.

import { escaped, find, targetOf } from "../shell/dom.mjs";
import { navigate } from "../shell/navigate.mjs";
import { dayYear, full, stamp, ticks, zoneName } from "../shell/time.mjs";
import { describe } from "./context.mjs";
import { acts, fit, prepare, scale, shape, snap, text, theme } from "./marks.mjs";
import { capital } from "./state.mjs";
import { hideTip, showTip, tipLine } from "./tip.mjs";

/** A row for each of them, still without what they did. @param {Executive[]} executives @param {HTMLElement} root */
export function showExecutives(executives, root) {
  root.replaceChildren(
    ...executives.map((executive) => {
      const row = document.createElement("div");
      row.className = "row rule executive";
      row.innerHTML =
        '<div class="left"><a class="label" tabindex="-1"></a><div class="sub"></div><div class="sub">not evidence of cause</div></div><canvas role="img" tabindex="-1"></canvas><div class="right sub key"></div>';
      const name = /** @type {HTMLAnchorElement} */ (find(row, ".label"));
      name.textContent = executive.name;
      name.href = pageOf(executive);
      find(row, ".sub").textContent = executive.title;
      row.dataset.executive = String(executive.id);
      return row;
    }),
  );
  if (executives.length) paintKey(find(root, ".key"));
}

/** @param {Executive} executive */
const pageOf = (executive) => `/executives/${executive.id}`;

/** @param {HTMLElement} place */
function paintKey(place) {
  const kinds = ["repost", "quote", "reply", "post"];
  place.innerHTML = kinds.map((kind) => `<span><canvas data-kind="${kind}" aria-hidden="true"></canvas>${kind}</span>`).join("");
  for (const canvas of place.querySelectorAll("canvas")) shape(prepare(canvas, 10, 10), String(canvas.dataset.kind), 5, 5, 4);
}

/**
 * Whether a kind of act can be seen, and since when that was found: in words of the server.
 * @param {Access} access @param {boolean} narrow
 */
export function accessWords(access, narrow) {
  const words = `${access.what}${narrow ? "" : ` on ${access.where}`}: ${access.state}`;
  if (access.at === null) return words;
  return `${words} ${narrow ? dayYear(access.at) : full(access.at)}`;
}

/**
 * One executive: shapes on the axis, and under them what nobody outside can see, and what is only claimed.
 * @param {HTMLCanvasElement} canvas @param {State} state @param {Executive} executive @param {Span} window @param {number} width @param {number} height
 */
export function drawExecutive(canvas, state, executive, window, width, height) {
  const g = prepare(canvas, width, height);
  const X = scale(window, width);
  g.fillStyle = theme.grid;
  for (const tick of ticks(window, width)) g.fillRect(snap(X(tick.t)), 0, 1, height);
  const y = 12;
  g.fillStyle = theme.line2;
  g.fillRect(0, y, Math.max(0, Math.min(width, X(state.now))), 1);
  const list = [...state.signals.values()]
    .filter((s) => s.executive === executive.id && s.t >= window[0] && s.t <= window[1])
    .sort((a, b) => a.t - b.t);
  acts(g, list, X, y);
  text(g, 11);
  g.fillStyle = theme.ink2;
  const access = executive.access.map((a) => accessWords(a, width <= 420));
  // Where one line is too short, "likes:" stands above what must not be cut: that they cannot be observed.
  const said = access.join(" · ");
  const parts = access.length === 1 ? said.split(/(?<=:) /) : [said];
  const lines = g.measureText(said).width > width - 8 && parts.length === 2 ? parts : [said];
  lines.forEach((line, n) => g.fillText(fit(g, line, width - 8), 8, height - 11 + 4 * (lines.length - 1) - 12 * (lines.length - 1 - n)));
  describe(canvas, `Engagements of ${executive.name} in this window: ${list.length}. ${access.join(". ")}. Not evidence of cause.`);
  return list;
}

/**
 * Tell of the acts under the pointer, and lead to whose they are; `current()` is {state, window} of what was drawn
 * last, or null.
 * @param {HTMLElement} root @param {() => Board | null} current
 */
export function connectExecutives(root, current) {
  /** @param {MouseEvent} event */
  const under = (event) => {
    const row = /** @type {HTMLElement | null | undefined} */ (targetOf(event).closest("canvas[role=img]")?.closest("[data-executive]"));
    const now = current();
    const executive = now?.state.executives.find((e) => e.id === Number(row?.dataset.executive));
    return now && executive ? { now, executive, near: actsNear(now, executive, event) } : null;
  };
  root.addEventListener("mousemove", (event) => {
    const found = under(event);
    root.classList.toggle("leads", Boolean(found?.near.length));
    if (found) showActs(found.executive, found.near, event);
    else hideTip();
  });
  root.addEventListener("click", (event) => {
    const found = under(event);
    if (!found?.near.length) return;
    hideTip();
    navigate(pageOf(found.executive));
  });
  root.addEventListener("mouseleave", hideTip);
}

/** The acts that are drawn under the pointer. @param {Board} of @param {Executive} executive @param {MouseEvent} event */
function actsNear({ state, window }, executive, event) {
  const box = targetOf(event).getBoundingClientRect();
  const span = window[1] - window[0];
  const at = window[0] + ((event.clientX - box.left) / box.width) * span;
  const reach = (9 / box.width) * span;
  return [...state.signals.values()].filter((s) => s.executive === executive.id && Math.abs(s.t - at) <= reach).sort((a, b) => a.t - b.t);
}

/** @param {Executive} executive @param {Signal[]} near @param {MouseEvent} event */
function showActs(executive, near, event) {
  const box = targetOf(event).getBoundingClientRect();
  if (!near.length) {
    if (event.clientY - box.top > box.height / 2 && executive.access.length) showTip(executive.access.map((a) => tipLine(escaped(a.why))).join(""), event);
    else hideTip();
    return;
  }
  const lines = near.slice(0, 6).map((s) => tipLine(`${escaped(capital(s.kind))}, ${stamp(s.t)} ${zoneName(s.t)}`));
  if (near.length > 6) lines.push(tipLine(`and ${near.length - 6} more`));
  showTip(`<b>${escaped(executive.name)}</b>${lines.join("")}<div class="faint">Not evidence of cause. Press to see this executive’s page</div>`, event);
}
