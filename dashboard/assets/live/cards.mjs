// On a phone: accounts as cards with a small timeline, instead of lanes.

import { drawLane, laneWord } from "../board/lanes.mjs";
import { prepare, scale } from "../board/marks.mjs";
import { stateNow } from "../board/state.mjs";
import { $, escaped } from "../shell/dom.mjs";
import { between, count, day, stamp, zoneName } from "../shell/time.mjs";
import { quietHtml, quietWords } from "./quiet.mjs";

/** @param {LiveState} state @param {Account[]} list @param {View} view @param {Span} window */
export function renderCards(state, list, view, window) {
  const root = $("cards");
  const single = list.filter((a) => !a.isQuiet);
  const shown = single.slice(0, view.cards);
  const head = `<div class="card-head"><h2>Accounts</h2><span class="faint">latest change first, ${day(window[0])} to ${day(state.now)}</span></div>`;
  const cards = shown.map((account) => {
    const word = laneWord(state, account);
    const sign = stateNow(state, account)?.s ?? "U";
    const news = account.changes.findLast((c) => c.kind !== "baseline");
    const line = news ? between(news.old, news.seen) : account.last ? `last read ${stamp(account.last)} ${zoneName(account.last)}` : "not yet read";
    return `<a class="account-card" href="/account/${account.id}"><span class="line"><svg class="i" aria-hidden="true"><use href="#i-${sign}"/></svg><span class="name">@${escaped(account.handle)}</span><small class="${word.provisional ? "provisional" : ""}">${escaped(word.text)}</small></span><canvas aria-hidden="true"></canvas><span class="muted">${line}</span></a>`;
  });
  const more = single.length > shown.length ? `<button type="button" class="button more" data-more>Show more of ${count(single.length)}</button>` : "";
  const note = quietHtml(quietWords(state, view));
  root.innerHTML = head + cards.join("") + more + (note && `<p class="nothing">${note}</p>`);
  const width = root.clientWidth - 32;
  root.querySelectorAll("canvas").forEach((canvas, i) => {
    const g = prepare(canvas, width, 20);
    drawLane(g, state, shown[i], window, scale(window, width), 3, 14, true);
  });
}
