// Plotly's figures lead where their tables do: a press on a point opens the accounts that it counts, or its account.

import { behind } from "./behind.mjs";
import { targetOf } from "./dom.mjs";
import { navigate } from "./navigate.mjs";
import { DAY } from "./time.mjs";

/**
 * Where a point leads: to its own address, behind which a number may stand; or, if its trace says which figure it
 * draws (dashboard/ui/figures.py), to the accounts of that figure at the time of the point; null for nowhere.
 * @param {PlotPoint} point
 */
export function leadsTo({ id, x, data }) {
  if (id !== undefined) return id.split(" ", 1)[0];
  const lead = data.meta;
  if (!lead) return null;
  const t = typeof x === "number" ? Date.parse(lead.since ?? "") + x * DAY : Date.parse(`${x.replace(" ", "T")}Z`);
  const at = Math.min(t, Date.parse(lead.at));
  return Number.isNaN(at) ? null : behind(`${lead.figure}/${new Date(at).toISOString()}`, Date.parse(lead.at));
}

/**
 * Of the points under a press, where the one of the trace leads that is drawn above the others; null for nowhere.
 * @param {PlotPoint[]} points
 */
export function topLeadsTo(points) {
  const upwards = points.toSorted((a, b) => a.curveNumber - b.curveNumber);
  return upwards.map(leadsTo).findLast((href) => href !== null) ?? null;
}

/** Connect every figure when a pointer comes to it first. @param {HTMLElement} root */
export function connectPlots(root) {
  /** @type {WeakSet<Element>} */
  const connected = new WeakSet();
  root.addEventListener("pointerover", (event) => {
    const plot = /** @type {Plot | null} */ (targetOf(event).closest?.(".js-plotly-plot"));
    if (!plot?.on || connected.has(plot)) return;
    connected.add(plot);
    plot.on("plotly_hover", ({ points }) => plot.classList.toggle("leads", topLeadsTo(points) !== null));
    plot.on("plotly_unhover", () => plot.classList.remove("leads"));
    plot.on("plotly_click", ({ points }) => {
      const href = topLeadsTo(points);
      if (href) navigate(href);
    });
  });
}
