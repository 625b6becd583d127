// Pictures that lead somewhere: the tooltip says what lies under the pointer and where a press leads. One listener for a
// whole board, however much is drawn on it.

import { behind, statusFigure } from "../shell/behind.mjs";
import { escaped } from "../shell/dom.mjs";
import { navigate } from "../shell/navigate.mjs";
import { count, full, percent } from "../shell/time.mjs";
import { uncapital } from "./state.mjs";
import { hideTip, showTip, tipLine } from "./tip.mjs";

/** What to say of a picture that leads to accounts. */
export const TO_ACCOUNTS = "Press to see these accounts";
/** The letters of all statuses that a reading can show. */
export const CHECKED = "APWSGDN";

/** @param {Counted} band @param {string} of @param {number} now @returns {Spot} */
export function spotOfBand({ letters, name, value, t }, of, now) {
  return { lines: [`<b>${count(value)}</b> ${escaped(uncapital(name))}`], when: full(t), href: behind(statusFigure(of, letters, t), now), leads: TO_ACCOUNTS };
}

/** @param {{ t: number, blocked: number, read: number }} cell @param {string} of @param {number} now @returns {Spot} */
export function spotOfCell({ t, blocked, read }, of, now) {
  const lines = [read ? `<b>${percent(blocked, read)}</b> blocked, ${count(blocked)} of ${count(read)} checked` : "None was checked"];
  return { lines, when: full(t), href: blocked ? behind(statusFigure(of, "WS", t), now) : null, leads: TO_ACCOUNTS };
}

/**
 * `spotAt` is what lies under a pointer, null for nothing that this board tells of.
 * @param {HTMLElement} board @param {(event: MouseEvent) => Spot | null} spotAt
 */
export function connectPressed(board, spotAt) {
  let isTold = false;
  const forget = () => {
    board.classList.remove("leads");
    if (isTold) hideTip();
    isTold = false;
  };
  board.addEventListener("mousemove", (event) => {
    const spot = event.buttons ? null : spotAt(event);
    if (!spot) return forget();
    isTold = true;
    board.classList.toggle("leads", spot.href !== null);
    const lead = spot.href === null ? "" : `<div class="faint">${spot.leads}</div>`;
    return showTip(`${spot.lines.map(tipLine).join("")}<div class="faint">${spot.when}</div>${lead}`, event);
  });
  board.addEventListener("mouseleave", forget);
  board.addEventListener("click", (event) => {
    const href = spotAt(event)?.href;
    if (!href) return;
    forget();
    navigate(href);
  });
}
