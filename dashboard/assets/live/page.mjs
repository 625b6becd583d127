// Draws the live page: figures, board, lanes, feed and cards, from the state and the reader's choices.

import { annotations, drawAnnotations } from "./annotations.mjs";
import { drawAxis, drawExecutive, drawFleet, drawOverlay, drawStrip } from "./board.mjs";
import { navigate } from "./controls.mjs";
import { members } from "./counts.mjs";
import { renderFeed } from "./feed-view.mjs";
import { escape } from "./html.mjs";
import { renderKpis } from "./kpis.mjs";
import { drawLane, Lanes, laneWord } from "./lanes.mjs";
import { bar, prepare, scale, shape, windowBox } from "./marks.mjs";
import { groupName, isBlocked, stateNow, windowOf } from "./state.mjs";
import { openTable } from "./table.mjs";
import { between, count, day, percent, stamp, zoneName } from "./time.mjs";
import { renderDetectors } from "./detectors.mjs";
import { hideTip, tipForAccount, tipForActs } from "./tip.mjs";

const $ = (id) => document.getElementById(id);
const FLEET_HEIGHT = 112;
let lanes = null;
let cursor = null;
let current = null;
let listed = { key: "", list: [] };


export function resetLanes() {
  for (const row of lanes?.rows ?? []) row.key = "";
  paintLegend();
}

/** Build the rows that depend on which lists and executives there are. */
export function layout(state, view) {
  const empty = state.accounts.length === 0;
  $("empty").hidden = !empty;
  $("grid").hidden = $("kpis").hidden = $("ranges").hidden = $("lanes-only").hidden = empty;
  if (empty) renderEmpty();
  $("strips").replaceChildren(
    ...state.lists.filter((l) => l.size > 0).map((list) => {
      const order = state.orders.find((o) => o.list === list.id);
      const row = document.createElement("div");
      row.className = "row strip";
      row.innerHTML = '<div class="left"><span class="name"></span><span class="of"></span></div><canvas role="img"></canvas><div class="right"><b></b><span></span></div>';
      row.querySelector(".name").textContent = order?.title ?? list.name;
      row.querySelector(".name").title = list.name;
      row.querySelector(".of").textContent = order ? `${count(list.size)} of ${count(order.named)}` : count(list.size);
      row.querySelector(".of").title = order ? `${count(list.size)} watched of ${count(order.named)} named` : `${count(list.size)} watched`;
      row.dataset.list = list.id;
      return row;
    }),
  );
  $("executives").replaceChildren(
    ...state.executives.map((executive) => {
      const row = document.createElement("div");
      row.className = "row rule executive";
      row.innerHTML =
        '<div class="left"><div class="label"></div><div class="sub"></div><div class="sub">not evidence of cause</div></div><canvas role="img" tabindex="-1"></canvas><div class="right sub key"></div>';
      row.querySelector(".label").textContent = executive.name;
      row.querySelector(".sub").textContent = executive.title;
      row.dataset.executive = executive.id;
      const canvas = row.querySelector("canvas");
      canvas.addEventListener("mousemove", (e) => tipForActs(current?.state, executive, current?.window, e));
      canvas.addEventListener("mouseleave", hideTip);
      return row;
    }),
  );
  paintExecutiveKey();
  const pick = $("pick-list");
  pick.replaceChildren(
    ...[["all", `All accounts, ${count(state.accounts.length)}`], ["changed", "With changes"], ...state.lists.map((l) => [String(l.id), `${state.orders.find((o) => o.list === l.id)?.title ?? l.name}, ${count(l.size)}`])].map(
      ([value, label]) => new Option(label, value, false, value === view.list),
    ),
  );
  paintLegend(state);
}

/** For a page that never got its data: what is wrong, instead of an empty frame. */
export function showNothing(sentence) {
  $("grid").hidden = $("ranges").hidden = $("lanes-only").hidden = true;
  const box = $("empty");
  box.hidden = false;
  box.innerHTML = '<h2>Nothing has arrived yet</h2><p></p><p class="faint">This page tries again by itself. No figure is shown until it is known.</p>';
  box.querySelector("p").textContent = sentence;
}

function renderEmpty() {
  $("empty").innerHTML =
    '<h2>No accounts are watched yet</h2><p>As soon as a list of accounts is imported, their first readings appear here.</p><p><code>blockline accounts import watch.csv</code></p><p class="faint">This page fills itself; there is no need to reload it. Published records that were imported are not watched: they are under <a class="under" href="/countries">Countries</a>.</p>';
}

const alphabet = new Intl.Collator();
const SORTS = {
  latest: (a, b) => b.latest - a.latest || a.id - b.id,
  most: (a, b) => b.changes.length - a.changes.length || b.latest - a.latest || a.id - b.id,
  handle: (a, b) => alphabet.compare(a.handle, b.handle),
};

function blockedFirst(state, list) {
  const rank = new Map(list.map((a) => [a, isBlocked(stateNow(state, a)?.s) ? 0 : 1]));
  return (a, b) => rank.get(a) - rank.get(b) || SORTS.latest(a, b);
}

function listOf(state, view) {
  const key = [view.list, view.sort, view.filter, state.id, state.accounts.length, state.range].join("|");
  if (listed.key === key && listed.state === state) return listed.list;
  let list = state.accounts;
  if (view.list === "changed") list = list.filter((a) => a.latest > 0);
  else if (view.list !== "all") list = list.filter((a) => a.lists.includes(Number(view.list)));
  if (view.filter) list = list.filter((a) => a.handle.toLowerCase().includes(view.filter));
  list = [...list].sort(view.sort === "blocked" ? blockedFirst(state, list) : SORTS[view.sort]);
  listed = { key, state, list };
  return list;
}

export function draw(state, view) {
  renderKpis(state);
  renderDetectors(state);
  if (state.accounts.length === 0) return;
  const board = $("board");
  const css = getComputedStyle(board);
  const left = Number.parseFloat(css.getPropertyValue("--left"));
  const right = Number.parseFloat(css.getPropertyValue("--right"));
  const width = board.clientWidth - left - right;
  if (width < 60) return;
  const window = windowOf(state, view.range);
  const marks = annotations(state);
  current = { state, view, window, marks, left, width, right };
  drawAnnotations($("c-ann"), marks, window, width);
  drawAxis($("c-axis"), window, width);
  if (!view.only) drawContext(state, window, width);
  const phone = innerWidth <= 640;
  const list = listOf(state, view);
  if (!phone) {
    lanes ??= connectLanes();
    lanes.set(state, list, window, left, width, right);
    $("as-table").onclick = () => openTable(state, list, window);
  } else renderCards(state, list, view, window);
  placeOverlay();
  renderFeed(state, view, window[0]);
}

function drawContext(state, window, width) {
  const ends = drawFleet($("c-fleet"), state, window, width, FLEET_HEIGHT);
  let limit = FLEET_HEIGHT - 6;
  const labels = [];
  for (const end of ends) {
    const y = Math.min(end.y, limit);
    if (y < 4) continue;
    limit = y - 14;
    labels.push(`<span class="end" title="${count(end.value)} ${end.name}" style="top:${Math.round(y - 7)}px"><b>${count(end.value)}</b><span>${end.name}</span></span>`);
  }
  $("fleet-ends").innerHTML = labels.join("");
  $("strip-when").textContent = innerWidth <= 640 ? "now" : "now, of those read";
  for (const row of $("strips").children) {
    const id = Number(row.dataset.list);
    const end = drawStrip(row.querySelector("canvas"), state, members(state, id), window, width, 18);
    row.querySelector("b").textContent = percent(end.blocked, end.read);
    row.querySelector(".right span").textContent = end.read ? `${count(end.blocked)} of ${count(end.read)}` : "none read";
  }
  for (const row of $("executives").children) {
    const executive = state.executives.find((e) => e.id === Number(row.dataset.executive));
    if (executive) drawExecutive(row.querySelector("canvas"), state, executive, window, width, 48);
  }
}

function placeOverlay() {
  const { window, marks, left, width, view } = current;
  const overlay = $("c-overlay");
  const top = (view.only ? $("c-axis") : $("c-fleet")).offsetTop;
  overlay.style.left = `${left}px`;
  overlay.style.top = `${top}px`;
  drawOverlay(overlay, marks, window, width, $("board").clientHeight - top, cursor, view.only ? 0 : FLEET_HEIGHT + 1);
}

function connectLanes() {
  const board = $("board");
  board.addEventListener("mousemove", (event) => {
    const x = event.clientX - $("c-axis").getBoundingClientRect().left;
    cursor = x >= 0 && x <= current.width ? current.window[0] + (x / current.width) * (current.window[1] - current.window[0]) : null;
    requestAnimationFrame(placeOverlay);
  });
  board.addEventListener("mouseleave", () => {
    cursor = null;
    placeOverlay();
  });
  return new Lanes($("lanes"), {
    hover: (account, t, event) => tipForAccount(current.state, account, Math.min(t, current.state.now), event),
    leave: hideTip,
    open: (account) => {
      hideTip();
      navigate(`/account/${account.id}`);
    },
  });
}

function renderCards(state, list, view, window) {
  const root = $("cards");
  const shown = list.slice(0, view.cards);
  const head = `<div class="card-head"><h2>Accounts</h2><span class="faint">latest change first, ${day(window[0])} to ${day(state.now)}</span></div>`;
  const cards = shown.map((account) => {
    const word = laneWord(state, account);
    const sign = stateNow(state, account)?.s ?? "U";
    const news = account.changes.findLast((c) => c.kind !== "baseline");
    const line = news ? between(news.old, news.seen) : account.last ? `last read ${stamp(account.last)} ${zoneName(account.last)}` : "not yet read";
    return `<a class="account-card" href="/account/${account.id}"><span class="line"><svg class="i" aria-hidden="true"><use href="#i-${sign}"/></svg><span class="name">@${escape(account.handle)}</span><small class="${word.provisional ? "provisional" : ""}">${escape(word.text)}</small></span><canvas aria-hidden="true"></canvas><span class="muted">${line}</span></a>`;
  });
  const more = list.length > shown.length ? `<button type="button" class="button more" data-more>Show more of ${count(list.length)}</button>` : "";
  root.innerHTML = head + cards.join("") + more;
  const width = root.clientWidth - 32;
  root.querySelectorAll("canvas").forEach((canvas, i) => {
    const g = prepare(canvas, width, 20);
    drawLane(g, state, shown[i], window, scale(window, width), 3, 14, true);
  });
}

const STATUSES = { x: "AWSNPD", bluesky: "AWSND", mastodon: "ASGN" };
const MARKS = [["win", "Change window"], ["prov", "Provisional"], ["gap", "Not checked"]];

/** The statuses that accounts of these platforms can be in, and the marks. */
function paintLegend(state) {
  const root = $("legend");
  if (state) {
    const possible = [..."AWSGNPD"].filter((s) => [...state.platforms].some((p) => STATUSES[p].includes(s)));
    const words = [...possible.map((s) => [s, groupName(state, s)]), ...MARKS];
    root.innerHTML = words.map(([key, word]) => `<span><canvas data-key="${key}" aria-hidden="true"></canvas>${word}</span>`).join("");
  }
  for (const canvas of root.querySelectorAll("canvas")) {
    const g = prepare(canvas, 18, 12);
    const key = canvas.dataset.key;
    if (key === "win") windowBox(g, 2, 16, 0, 12);
    else if (key === "prov") bar(g, 1, 1, 16, 10, "W", true);
    else if (key === "gap") {
      bar(g, 0, 0, 5, 12, "A");
      bar(g, 13, 0, 5, 12, "A");
    } else bar(g, 1, 1, 16, 10, key);
  }
}

function paintExecutiveKey() {
  const key = document.querySelector("#executives .key");
  if (!key) return;
  key.innerHTML = [["repost", "repost"], ["quote", "quote"], ["reply", "reply"], ["post", "post"]]
    .map(([kind, word]) => `<span><canvas data-kind="${kind}" aria-hidden="true"></canvas>${word}</span>`)
    .join("");
  for (const canvas of key.querySelectorAll("canvas")) shape(prepare(canvas, 10, 10), canvas.dataset.kind, 5, 5, 4);
}
