// The feed: which changes belong together, and the words for them. Pure; the page renders the result.

import { between, count, dayStart, HOUR, shortly, zoneName } from "../shell/time.mjs";
import { members } from "./counts.mjs";
import { outages } from "./state.mjs";

/** ▼ is a block, ▲ a restoration, and nothing else carries these marks. @param {Change} change */
export function mark(change) {
  if (change.outcome === "not_confirmed") return "–";
  const open = change.outcome === null;
  if (change.kind === "block") return open ? "▽" : "▼";
  if (change.kind === "restoration") return open ? "△" : "▲";
  return "·";
}

/**
 * What happened to `n` accounts, after their name or number: "withheld in India (IN)". The words are the server's.
 * @param {Change} change @param {number} [n]
 */
export const happened = (change, n = 1) => (n === 1 ? change.h : change.h.replaceAll(" its ", " their "));

/** The list under which a change is shown: the list of an order, else the first list. @param {State} state @param {Account} account */
function cohortOf(state, account) {
  const orders = new Set(state.orders.map((o) => o.list));
  return account.lists.find((l) => orders.has(l)) ?? account.lists[0] ?? null;
}

/**
 * Groups of changes to the same status on one day, each at most `reach` after the one before. A group is of accounts or
 * of posts, and of one cohort.
 * @param {State} state @param {number} [reach] @param {Change[]} [all]
 */
export function changeGroups(state, reach = 4 * state.sweep, all = news(state)) {
  const open = new Map();
  const out = [];
  for (const change of all) {
    const account = state.byId.get(change.account);
    const cohort = cohortOf(state, account);
    const key = [cohort, account.post, change.kind, change.h, change.outcome ?? "open", dayStart(change.seen)].join("|");
    const known = open.get(key);
    if (known && change.seen - known.seen <= reach) {
      known.changes.push(change);
      known.seen = change.seen;
      known.recorded = Math.max(known.recorded, change.recorded);
      known.old = change.old === null || known.old === null ? known.old ?? change.old : Math.min(known.old, change.old);
      if (change.mail) known.mails.add(change.mail);
      continue;
    }
    const group = {
      cohort, first: change, changes: [change], old: change.old, seen: change.seen, recorded: change.recorded,
      mails: new Set(change.mail ? [change.mail] : []),
    };
    open.set(key, group);
    out.push(group);
  }
  return out;
}

/** The changes that are news, in their order. @param {State} state @param {Set<number> | null} [shown] */
const news = (state, shown = null) => [...state.changes.values()].filter((c) => c.kind !== "baseline" && (!shown || shown.has(c.account))).sort((a, b) => a.seen - b.seen || a.id - b.id);

/** One day of the feed: the totals of its confirmed changes; its items, newest first, when they are asked for. */
export class Day {
  /** @param {State} state @param {number} from @param {number} day @param {Set<number> | null} shown */
  constructor(state, from, day, shown) {
    this.shown = shown;
    this.state = state;
    this.from = from;
    this.day = day;
    this.changes = /** @type {Change[]} */ ([]);
    this.notes = /** @type {Item[]} */ ([]);
    this.down = this.up = this.other = 0;
    /** How many of these changes are of posts. */
    this.posts = 0;
  }

  /** @param {Change[]} changes */
  count(changes) {
    for (const change of changes) {
      if (change.outcome !== "confirmed") continue;
      this.posts += Number(this.state.byId.get(change.account).post);
      this[change.kind === "block" ? "down" : change.kind === "restoration" ? "up" : "other"] += 1;
    }
  }

  get changeGroups() {
    return changeGroups(this.state, undefined, this.changes).filter((group) => group.seen >= this.from);
  }

  /** @returns {Item[]} */
  get items() {
    /** @type {Item[]} */
    const shown = this.changeGroups.map((group) => ({ type: group.changes.length > 1 ? "group" : "change", group, t: group.seen }));
    return [...shown, ...this.notes].sort((x, y) => y.t - x.t);
  }
}

/**
 * Days, newest first. Their changes are grouped only for days that are open: most stay closed. `shown` are the accounts
 * that are listed, with the papers of their orders; null for all.
 * @param {State} state @param {number} from @param {Set<number> | null} [shown]
 */
export function days(state, from, shown = null) {
  /** @type {Sure<number, Day>} */
  const byDay = new Map();
  /** @param {number} t */
  const dayOf = (t) => {
    const key = dayStart(t);
    if (!byDay.has(key)) byDay.set(key, new Day(state, from, key, shown));
    return byDay.get(key);
  };
  /** @param {number} t @param {Note} item */
  const note = (t, item) => {
    if (t >= from) dayOf(t).notes.push({ ...item, t });
  };
  // The first day is there from its start: a group that began before `from` and ended after it is shown whole.
  const first = dayStart(from);
  for (const change of news(state, shown)) if (change.seen >= first) dayOf(change.seen).changes.push(change);
  for (const [a, b] of outages(state)) note(b ?? state.now, { type: "gap", a, b });
  // Papers are news when they become known; they may refer to an earlier time.
  const orders = ordersOf(state, shown);
  const named = new Set(orders.map((o) => o.id));
  for (const order of orders) note(order.known, { type: "order", order });
  for (const event of state.events) if (!shown || named.has(Number(event.order))) note(event.known, { type: "event", event });
  for (const day of byDay.values()) day.count(day.day === first ? day.changeGroups.flatMap((group) => group.changes) : day.changes);
  return [...byDay.values()].filter((day) => day.day !== first || day.items.length).sort((x, y) => y.day - x.day);
}

/** The orders that name any of the accounts shown. @param {State} state @param {Set<number> | null} shown */
function ordersOf(state, shown) {
  if (!shown) return state.orders;
  const lists = new Set([...shown].flatMap((id) => state.byId.get(id).lists));
  return state.orders.filter((o) => lists.has(o.list));
}

/**
 * The denominator of a group and its name. For an order it counts all accounts that it names, watched or not. There is
 * none where not all watched accounts of the cohort are shown: the group may lack some of its changes. A group
 * of posts has none either, because the number that an order names is of accounts.
 * @param {State} state @param {number | null} cohort @param {Set<number> | null} [shown] @param {boolean} [ofPosts]
 */
export function denominator(state, cohort, shown = null, ofPosts = false) {
  if (ofPosts) return null;
  if (shown && cohort !== null && members(state, cohort).some((/** @type {Account} */ a) => !a.post && !shown.has(a.id))) return null;
  const order = state.orders.find((o) => o.list === cohort);
  const list = state.lists.find((l) => l.id === cohort);
  const watched = list ? list.size - list.posts : 0;
  if (order) return { of: order.named, name: order.title, watched, named: true };
  return list ? { of: watched, name: list.name, watched, named: false } : null;
}

/**
 * The state of the emails about one group, in one line. The mail page lists each of them. A time on another day than
 * `seen`, when the group was seen, has its date: digests follow on a later day.
 * @param {Mail[]} mails @param {number} seen
 */
export function mailWords(mails, seen) {
  if (mails.length === 1) return oneMail(mails[0], seen);
  const sent = mails.filter((m) => m.state === "sent");
  const dead = mails.filter((m) => m.state === "dead").length;
  const merged = mails.filter((m) => m.state === "merged").length;
  const last = sent.reduce((t, m) => Math.max(t, m.t), -Infinity);
  const parts = [`${mails.length} emails${sent.length ? `, last ${shortly(last, seen)} ${zoneName(last)}` : ""}`];
  if (dead) parts.push(`${dead} could not be delivered`);
  if (merged) parts.push(`${merged} merged into a later one`);
  const left = mails.length - sent.length - dead - merged;
  if (left) parts.push(`${left} queued`);
  return parts.join(", ");
}

/**
 * The same, with how many changes of the line were reported if some were not in any email.
 * @param {Change[]} changes @param {Mail[]} mails
 */
export function reportedWords(changes, mails) {
  const reported = changes.filter((change) => change.mail).length;
  const words = mailWords(mails, changes[0].seen);
  return reported < changes.length ? `${count(reported)} of these: ${words}` : words;
}

/** @param {Mail} mail @param {number} seen */
function oneMail(mail, seen) {
  if (mail.state === "sent") return `email sent ${shortly(mail.t, seen)} ${zoneName(mail.t)} to ${count(mail.n)} ${mail.n === 1 ? "recipient" : "recipients"}`;
  if (mail.state === "dead") return "email could not be delivered";
  if (mail.state === "merged") return "email was merged into a later one";
  return "email queued";
}

/** The time to which a paper refers; empty if it became known within six hours of it. @param {number} paper @param {number} known */
export function spokenOf(paper, known) {
  if (Math.abs(known - paper) < 6 * HOUR) return "";
  return shortly(paper, known);
}

/** @type {Record<string, string>} */
const NOT_CONFIRMED = {
  went_back: "a later reading showed the old state again",
  moved_on: "a later reading showed a third state",
  no_longer_watched: "watching ended before the change was confirmed",
  corrected: "a reading that arrived late contradicts the change",
  set_aside: "its readings had times from a wrong clock and were set aside",
};

/** The line under a group or a change: the interval, and what is uncertain. @param {ChangeGroup} group @param {boolean} withDay */
export function detail(group, withDay) {
  const { first } = group;
  let text = between(group.old, group.seen, withDay);
  if (first.outcome === null) text += group.changes.length > 1 ? "; provisional, no email yet" : `; ${first.agreeing === 1 ? "one reading" : `${first.agreeing} readings`}, no email yet`;
  else if (first.outcome === "not_confirmed") text += `; ${NOT_CONFIRMED[String(first.why)] ?? "not confirmed"}`;
  else if (first.strength === "weak") text += ", weak evidence";
  const corrected = group.changes.filter((c) => c.corrects).length;
  if (corrected && first.why !== "corrected") text += `; ${group.changes.length > 1 ? `${corrected} of them ` : ""}corrected when more became known`;
  return text;
}

