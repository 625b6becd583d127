// The figures of the moment; those that were known otherwise say so in violet.

import { figures } from "../live/kpis.mjs";
import { duration } from "../live/time.mjs";
import { other, shown, stage } from "./stage.mjs";

const NAMES = (state) => ({
  blocked: "Blocked then", new: "▼ New blocks, 24 h", restored: "▲ Restored, 24 h", provisional: "Provisional", orders: "Orders",
  unread: `Not checked, ${duration(2 * state.sweep)}`,
});

/** "as it was: 250" */
const otherwise = (value) => `${stage.knew === null ? "as we knew it" : "as it was"}: ${value}`;

export function renderFigures(root) {
  const state = shown();
  const told = figures(state);
  const elsewhere = figures(other());
  const html = Object.entries(NAMES(state))
    .map(([name, label]) => {
      const [value, words, weighs] = told[name];
      const differs = elsewhere[name][0] !== value;
      const below = differs ? `<dd class="s f-other">${otherwise(elsewhere[name][0])}</dd>` : `<dd class="s${weighs ? " strong" : ""}" title="${words}">${words}</dd>`;
      return `<div class="kpi${differs ? " differs" : ""}"><dt>${label}</dt><dd class="v" data-figure="${name}">${value}</dd>${below}</div>`;
    })
    .join("");
  if (root.dataset.said !== html) root.innerHTML = root.dataset.said = html;
}
