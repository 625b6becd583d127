// The figures at the top of the live page.

import { figures, figuresOf } from "../board/kpis.mjs";
import { bar, prepare } from "../board/marks.mjs";
import { counted, sizeOf } from "../board/posts.mjs";
import { behind, changesFigure, confirmedFigure, scopeOf, waitingFigure } from "../shell/behind.mjs";
import { $, find, say } from "../shell/dom.mjs";
import { count, DAY, duration } from "../shell/time.mjs";
import { isFiltered, listOf } from "./listing.mjs";

/** Where the accounts behind each figure are shown. @param {number} now @returns {Record<keyof Figures, string>} */
export function figureAddresses(now) {
  const then = `at=${new Date(now).toISOString()}&whom=all`;
  return {
    blocked: "/accounts?status=blocked", new: `/accounts?figure=changes/block&${then}`, restored: `/accounts?figure=changes/restoration&${then}`,
    provisional: "/accounts?status=provisional", orders: "/orders", unread: "/accounts?late=1",
  };
}

/** The same of the accounts that list and filter leave. @param {string} of @param {number} now @param {Order[]} orders @returns {Record<keyof Figures, string>} */
export function shownAddresses(of, now, orders) {
  /** @type {Span} */
  const day = [now - DAY + 1, now + 1]; // as the tiles count: after the moment a day ago, up to now
  return {
    blocked: behind(confirmedFigure(of, "WS", now), now), new: behind(changesFigure(of, "block", day), now), restored: behind(changesFigure(of, "restoration", day), now),
    provisional: behind(waitingFigure(of, "provisional", now), now), orders: orders.length === 1 ? `/orders/${orders[0].id}` : "/orders", unread: behind(waitingFigure(of, "late", now), now),
  };
}

/**
 * Which accounts the figures of the page count; null where no name says it: with groups, a filter by handle searches
 * only those that changed.
 * @param {LiveState} state @param {View} view
 */
function countedIn(state, view) {
  if (!state.isGrouped || !view.filter) return `board/${scopeOf(view, state.from)}`;
  return view.list === "all" || view.list === "changed" ? `board/${scopeOf({ ...view, list: "changed" }, state.from)}` : null;
}

/** @param {LiveState} state @param {View} view */
export function renderKpis(state, view) {
  const some = isFiltered(view) ? figuresOf(state, listOf(state, view)) : null;
  const k = some?.kpis ?? state.kpis;
  const of = countedIn(state, view);
  const addresses = !some ? figureAddresses(state.now) : of === null ? null : shownAddresses(of, state.now, some.orders);
  for (const [name, [value, words, weighs, posts]] of Object.entries(figures(some ?? state))) {
    const link = $(`k-${name}`);
    say(link, value);
    if (value === "–" || !addresses) link.removeAttribute("href");
    else link.setAttribute("href", addresses[/** @type {keyof Figures} */ (name)]);
    say($(`k-${name}-s`), words);
    $(`k-${name}-s`).classList.toggle("strong", weighs);
    if (name === "orders") continue; // its figure counts orders
    say($(`k-${name}-p`), value === "–" ? "" : posts);
    $(`k-${name}-p`).hidden = value === "–" || !posts;
  }
  $("k-blocked-s").title = k.withheld_by.map(([c, n]) => `${n} in ${c}`).join("; ");
  say($("k-unread-t"), `Not checked, ${duration(2 * state.sweep)}`);
  $("shown-of").hidden = !some;
  if (some) {
    say(find($("shown-of"), "span"), `Figures and changes ${shownWords(k.watched, k.posts.watched)}.`);
    say(find($("shown-of"), "button"), `Show all ${count(sizeOf(state.accounts))}`);
  }
  split(k);
}

/** "of the 34 accounts shown" @param {number} n @param {number} posts those of them that are posts */
export const shownWords = (n, posts) => `of the ${n === 1 ? `one ${posts ? "post" : "account"}` : counted(n, posts)} shown`;

/** @param {Kpis} k */
function split(k) {
  const canvas = /** @type {HTMLCanvasElement} */ ($("k-split"));
  const width = find($("kpis"), ".kpi-row").clientWidth - $("k-blocked").offsetWidth - 16;
  canvas.hidden = width < 60 || k.withheld + k.suspended === 0;
  if (canvas.hidden) return;
  const g = prepare(canvas, width, 10);
  const first = (width * k.withheld) / (k.withheld + k.suspended);
  bar(g, 0, 0, first - (k.suspended ? 1 : 0), 10, "W");
  bar(g, first + (k.withheld ? 1 : 0), 0, width - first - 1, 10, "S");
}
