// The key to the drawings: statuses and marks.

import { $ } from "../shell/dom.mjs";
import { PLATFORMS } from "../shell/platforms.mjs";
import { bar, prepare, windowBox } from "./marks.mjs";
import { groupName, letters } from "./state.mjs";

const MARKS = [["win", "Change window"], ["prov", "Provisional"], ["gap", "Not checked"]];

/** The statuses that accounts of these platforms can be in, and the marks: [key, word]. @param {State} state */
export function legendOf(state) {
  const possible = letters("AWSGNPD").filter((s) => [...state.platforms].some((p) => PLATFORMS[p]?.letters.includes(s)));
  return [...possible.map((s) => [s, groupName(state, s)]), ...MARKS];
}

/** Without a state the same in the colours of now. @param {State | null} state @param {HTMLElement} [root] */
export function paintLegend(state, root = $("legend")) {
  if (state) {
    const words = legendOf(state);
    root.innerHTML = words.map(([key, word]) => `<span><canvas data-key="${key}" aria-hidden="true"></canvas>${word}</span>`).join("");
  }
  for (const canvas of root.querySelectorAll("canvas")) drawKey(canvas, String(canvas.dataset.key));
}

/** @param {HTMLCanvasElement} canvas @param {string} key */
export function drawKey(canvas, key) {
  const g = prepare(canvas, 18, 12);
  if (key === "win") windowBox(g, 2, 16, 0, 12);
  else if (key === "prov") bar(g, 1, 1, 16, 10, "W", true);
  else if (key === "gap") {
    bar(g, 0, 0, 5, 12, "A");
    bar(g, 13, 0, 5, 12, "A");
  } else bar(g, 1, 1, 16, 10, /** @type {Letter} */ (key));
}
