// Renders the feed. It is replaced only when its content changed, so that a screen reader reads news only.

import { $, escaped, targetOf } from "../shell/dom.mjs";
import { rangesOf } from "../shell/ranges.mjs";
import { clock, count, day, dayStart, duration, stamp, zoneName } from "../shell/time.mjs";
import { days, denominator, detail, happened, mark, reportedWords, spokenOf } from "./feed.mjs";
import { areMixed, counted, ofPostsWords } from "./posts.mjs";

const PER_DAY = 40;
/** The content written last, by element. */
const written = new WeakMap();

/**
 * `shown` are the accounts whose changes are listed; null for all.
 * @param {State} state @param {FeedView} view @param {number} from @param {Set<number> | null} [shown] @param {HTMLElement} [root]
 */
export function renderFeed(state, view, from, shown = null, root = $("feed")) {
  if (view.paused && written.has(root) && !view.feedDirty) return;
  view.feedDirty = false;
  const list = days(state, from, shown);
  const isMixed = areMixed(shown ? state.accounts.filter((a) => shown.has(a.id)) : state.accounts);
  const html = list.length ? list.map((one, i) => renderDay(state, view, one, i, isMixed)).join("") : '<p class="nothing">No change in this window.<br>Readings without a change are not listed.</p>';
  if (html === written.get(root)) return;
  written.set(root, html);
  const top = root.scrollTop;
  root.innerHTML = html;
  root.scrollTop = top;
}

/** The colour of a group's meter. It is not a canvas: each canvas would be a layer of its own. @type {Partial<Record<Letter, string>>} */
const SWATCH = { A: "available", W: "withheld", S: "suspended", G: "not_found", N: "not_found", D: "deactivated", P: "protected" };

/** @param {State} state @param {FeedView} view @param {import("./feed.mjs").Day} one @param {number} index @param {boolean} isMixed */
function renderDay(state, view, one, index, isMixed) {
  const open = view.openDays.has(one.day) || (index < 2 && !view.closedDays.has(one.day));
  const today = one.day === dayStart(state.now);
  const news = [one.down && `▼ ${count(one.down)} blocked`, one.up && `▲ ${count(one.up)} restored`].filter(Boolean);
  // Three totals do not fit into the line: blocks and restorations are shown, the others are listed below.
  const totals = one.other && news.length < 2 ? [...news, `${count(one.other)} other`] : news;
  const ofPosts = isMixed ? ofPostsWords(one.down + one.up + one.other, one.posts) : "";
  const head = `<button type="button" class="day" data-day="${one.day}" aria-expanded="${open}"><b>${today ? "Today, " : ""}${day(one.day)}</b><span${ofPosts ? ' class="posts"' : ""}>${totals.join("&ensp;")}${ofPosts && `, ${ofPosts}`}</span></button>`;
  if (!open) return head;
  const all = one.items;
  const items = all.slice(0, PER_DAY).map((item) => renderItem(state, item, one.shown)).join("");
  const rest = all.length > PER_DAY ? `<p class="nothing">${count(all.length - PER_DAY)} earlier on this day</p>` : "";
  return head + items + rest;
}

/** @param {State} state @param {Item} item @param {Set<number> | null} shown */
function renderItem(state, item, shown) {
  if (item.type === "gap") return gapItem(item);
  if (item.type === "order") return orderItem(state, item.order);
  if (item.type === "event") return eventItem(item.event);
  const { group } = item;
  const first = group.first;
  const chip = first.outcome === null ? ' <span class="chip">provisional</span>' : first.outcome === "not_confirmed" ? ' <span class="chip">not confirmed</span>' : "";
  const sign = mark(first);
  const mails = [...group.mails].flatMap((id) => state.mails.get(id) ?? []);
  const reported = mails.length ? `<a class="mailed" href="/mail/${mails[mails.length - 1].id}"><svg class="i" aria-hidden="true"><use href="#i-mail"/></svg>${reportedWords(group.changes, mails)}</a>` : "";
  if (item.type === "change") {
    const account = state.byId.get(first.account);
    return `<article class="event" data-change="${first.id}"><span class="g">${sign}</span><p class="h"><a href="/account/${account.id}"><b>@${escaped(account.handle)}</b></a> ${escaped(happened(first))}${chip}</p><p class="m">${detail(group, false)}</p>${reported}</article>`;
  }
  const ofPosts = state.byId.get(first.account).post;
  const of = denominator(state, group.cohort, shown, ofPosts);
  const n = group.changes.length;
  const news = first.kind === "block" || first.kind === "restoration";
  const share = of ? Math.min(100, (100 * n) / of.of).toFixed(2) : "";
  const meter = of && news && first.outcome === "confirmed" ? `<div class="group-share"><i class="meter" aria-hidden="true"><i class="sw-${SWATCH[first.s]}" style="width:${share}%"></i></i><span>${escaped(of.name)}</span></div>` : "";
  const some = first.outcome === null ? `<p class="m">${group.changes.slice(0, 2).map((c) => `@${escaped(state.byId.get(c.account).handle)}`).join(", ")}${n > 2 ? `, ${n - 2} more` : ""}</p>` : "";
  return `<article class="event fold" data-change="${first.id}"><span class="g">${sign}</span><p class="h">${linked(group, `<b>${ofPosts ? counted(n, n) : count(n)}${of ? ` of ${count(of.of)}` : ""}</b>`)} ${escaped(happened(first, n))}${chip}</p>${meter}${some}<p class="m">${detail(group, false)}${lateWords(group)}</p>${reported}</article>`;
}

/** A number that leads to the accounts of a group; only the number where they are too many for an address. @param {ChangeGroup} group @param {string} number */
function linked(group, number) {
  const ids = rangesOf(group.changes.map((c) => c.id));
  const at = new Date(group.recorded).toISOString(); // not now: the feed is drawn again only when its content changed
  return ids ? `<a href="/accounts?figure=changes/of/${ids}&amp;at=${at}&amp;whom=all">${number}</a>` : number;
}

/** Say that readings are late if they were recorded long after they were taken. @param {ChangeGroup} group */
function lateWords(group) {
  return group.recorded - group.seen > 3_600_000 ? `; recorded ${stamp(group.recorded)}, late` : "";
}

/** @param {{ a: number, b: number | null }} of */
function gapItem({ a, b }) {
  const words = b === null ? `Not checked since ${clock(a)} ${zoneName(a)}` : `Not checked for ${duration(b - a)}`;
  const span = b === null ? "" : `${stamp(a)} to ${stamp(b)} ${zoneName(b)}. `;
  return `<article class="event note"><span class="g">╌</span><p class="h">${words}</p><p class="m">${span}No readings, so no status is known for this time.</p></article>`;
}

/** @param {State} state @param {Order} order */
function orderItem(state, order) {
  const list = state.lists.find((l) => l.id === order.list);
  const of = spokenOf(order.at, order.known);
  const dated = `${of && ` It is dated ${of} ${zoneName(order.at)}.`}${order.disputed ? ` Its date is disputed: ${day(order.from ?? order.at)} to ${day(order.to ?? order.at)}.` : ""}`;
  return `<article class="event note"><span class="g"><svg class="i" aria-hidden="true"><use href="#i-doc"/></svg></span><p class="h">${escaped(order.title)}: ${count(order.named)} accounts named</p><p class="m">${escaped(order.issuer)}, ${escaped(order.basis)}; ${list?.posts ? counted(list.size, list.posts) : count(list?.size ?? 0)} watched.${dated}</p></article>`;
}

/** @param {Paper} event */
function eventItem(event) {
  const claim = event.kind === "claim" ? ' <span class="chip">claim</span>' : "";
  const of = spokenOf(event.at, event.known);
  return `<article class="event note"><span class="g"><svg class="i" aria-hidden="true"><use href="#i-doc"/></svg></span><p class="h">${escaped(event.text)}${claim}</p><p class="m">${of && `Refers to ${of} ${zoneName(event.at)}. `}${escaped(event.source)}</p></article>`;
}

/** Open or close a day whose head was pressed; false if the press was elsewhere. @param {FeedView} view @param {Event} event */
export function turnDay(view, event) {
  const head = /** @type {HTMLElement | null} */ (targetOf(event).closest("[data-day]"));
  if (!head) return false;
  const isOpen = head.getAttribute("aria-expanded") === "true";
  (isOpen ? view.openDays : view.closedDays).delete(Number(head.dataset.day));
  (isOpen ? view.closedDays : view.openDays).add(Number(head.dataset.day));
  return true;
}

const PAUSE_MS = 10_000;
/** @type {number | null} */
let announced = null;
let announcedAt = 0;

/**
 * Say what is new to a screen reader, in one sentence at most every ten seconds; of the accounts shown.
 * @param {State} state @param {FeedView} view @param {Set<number> | null} shown
 */
export function announce(state, view, shown) {
  let newest = 0;
  for (const id of state.changes.keys()) newest = Math.max(newest, id);
  if (announced === null) announced = newest;
  if (newest <= announced || view.paused || Date.now() - announcedAt < PAUSE_MS) return;
  const before = announced;
  const news = [...state.changes.values()].filter((c) => c.id > before && c.kind !== "baseline" && c.outcome !== "not_confirmed" && (!shown || shown.has(c.account)));
  announced = newest;
  if (!news.length) return;
  announcedAt = Date.now();
  const last = news.reduce((a, b) => (b.seen > a.seen ? b : a));
  const one = `@${state.byId.get(last.account).handle} ${happened(last)}`;
  $("announce").textContent = news.length === 1 ? `New change: ${one}.` : `${count(news.length)} new changes, the newest: ${one}.`;
}
