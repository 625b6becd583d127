// One moment of the film, in the shape of the state of Live.

import { postsIn } from "../board/posts.mjs";
import { LETTERS } from "../board/state.mjs";
import { DAY } from "../shell/time.mjs";
import { Account } from "./account.mjs";
import { during } from "./columns.mjs";
import { byStatusOf, complianceOf, countriesOf, kpisOf } from "./figures.mjs";
import { after, upTo } from "./sorted.mjs";

const WEEK = 7 * DAY;

export class Moment {
  /** @param {Film} film */
  constructor(film) {
    this.film = film;
    this.all = film.accounts.map((row, i) => new Account(this, row, i));
    this.byId = /** @type {Sure<number, Account>} */ (new Map(this.all.map((account) => [account.id, account])));
    this.id = film.id;
    this.from = this.earliest = film.from;
    this.sweep = film.sweep;
    this.gapAfter = film.gapAfter;
    this.platforms = film.platforms;
    /** @type {Snapshot["before"]} */
    this.before = { from: film.from, step: film.sweep, blocked: [], restored: [] };
    this.feedSpan = WEEK;
    this.rev = 0;
    /** Counts the moves. */
    this.facts = 0;
    this.now = this.by = this.onFileBy = 0;
    /** @type {number | null} */
    this.knownAt = null;
    /** What was made since the last move, by name. @type {Map<string, any>} */
    this.kept = new Map();
    /** @type {Account[]} */
    this.shown = [];
    /** What `known` writes to, with each move anew. @type {Room | null} */
    this.room = null;
    this.move(film.now, null);
  }

  /** @param {number} t @param {number | null} k */
  move(t, k) {
    const { film } = this;
    const moment = Math.floor(Math.max(film.from, Math.min(film.now, t, k ?? Infinity)));
    if (this.facts && this.now === moment && this.knownAt === k) return this;
    this.now = moment;
    this.knownAt = k;
    /** Up to when recorded what counts. What is known now has no such time, and excludes what was corrected since. */
    this.by = k === null ? Number.MAX_VALUE : Math.floor(k);
    /** Who counts is who was watched, and on a list, then: at the moment in either view. */
    this.onFileBy = Math.min(moment, this.by);
    this.facts += 1;
    this.kept = new Map();
    return this;
  }

  /**
   * What `make` gives, made once for each move.
   * @template T
   * @param {string} name @param {() => T} make @returns {T}
   */
  once(name, make) {
    if (!this.kept.has(name)) this.kept.set(name, make());
    return this.kept.get(name);
  }

  /** The accounts that were watched. The same array for as long as they are the same. */
  get accounts() {
    const { here, shown } = this;
    let n = 0;
    while (n < shown.length && here[shown[n].i]) n += 1;
    if (n < shown.length || n !== this.watched) this.shown = this.all.filter((_, i) => here[i]);
    return this.shown;
  }

  /** For each account 1 if it was watched. */
  get here() {
    return this.once("here", () => {
      const { accounts, watched } = this.film;
      const out = new Uint8Array(accounts.length);
      for (let i = 0; i < watched; i++) if (during(accounts[i].times, this.onFileBy)) out[i] = 1;
      return out;
    });
  }

  /** How many they are. */
  get watched() {
    return this.once("watched", () => this.here.reduce((sum, one) => sum + one, 0));
  }

  /** For each account the place of what was confirmed of it at the moment, -1 for nothing. */
  get current() {
    return this.once("current", () => {
      const { start, from, to, known, until } = this.film.spells;
      const { now, by } = this;
      const out = new Int32Array(this.all.length).fill(-1);
      for (let i = 0; i < out.length; i++) {
        for (let v = start[i]; v < start[i + 1] && from[v] <= now; v++) {
          if (now < to[v] && known[v] <= by && by < until[v]) out[i] = v;
        }
      }
      return out;
    });
  }

  /** The last reading of account i, -Infinity for none. @param {number} i */
  lastOf(i) {
    return this.lasts[i];
  }

  get lasts() {
    return this.once("lasts", () => {
      const { reads } = this.film;
      const { now, by } = this;
      const rosters = Float64Array.from({ length: reads.rosters }, (_, r) => reads.lastOf(r, now, by));
      const groups = reads.groups.map((of) => of.reduce((last, r) => Math.max(last, rosters[r]), -Infinity));
      const out = new Float64Array(this.all.length);
      for (let i = 0; i < out.length; i++) {
        const group = reads.groupOf[i];
        out[i] = groups[group];
        if (reads.isPlain[i]) continue;
        out[i] = reads.lastPoint(i, now, by);
        for (const r of reads.groups[group]) out[i] = Math.max(out[i], reads.without(i, r, rosters[r], by));
      }
      return out;
    });
  }

  /** @param {number} i */
  gapsOf(i) {
    const { reads } = this.film;
    return reads.gapsOf(i, this.gapsOfGroups[reads.groupOf[i]], this.now, this.by);
  }

  get gapsOfGroups() {
    return this.once("gaps", () => this.film.reads.groups.map((_, group) => this.film.reads.gapsOfGroup(group, this.now, this.by)));
  }

  get reads() {
    return this.once("reads", () => this.film.reads.ofAll(this.now, this.by, this.gapAfter));
  }

  get outages() {
    return this.reads.outages;
  }

  get lastRead() {
    return this.reads.last;
  }

  get readTo() {
    return this.now;
  }

  /** Whether a change is shown at the moment: confirmed first states are not news. @param {number} j */
  tells(j) {
    const { changes } = this.film;
    if (changes.seen[j] > this.now || changes.recorded[j] > this.by || changes.superseded[j] <= this.by) return false;
    return changes.kind[j] !== "baseline" || this.outcomeOf(j) !== "confirmed";
  }

  /** @param {number} j */
  outcomeOf(j) {
    const { changes } = this.film;
    return changes.decided[j] <= this.by ? changes.outcome[j] : null;
  }

  /** A change as it stood. @param {number} j */
  change(j) {
    const t = this.film.changes;
    const outcome = this.outcomeOf(j);
    const mail = this.saying(this.film.mailOf.get(Number(t.mail[j])));
    const step = this.film.steps.get(t.id[j])?.findLast(([recorded]) => recorded <= this.by);
    return {
      id: t.id[j], account: this.all[t.account[j]].id, kind: t.kind[j], s: t.s[j], w: this.film.words[t.w[j]], h: this.film.words[t.h[j]],
      strength: t.strength[j], old: t.old[j], seen: t.seen[j], recorded: t.recorded[j], outcome, why: outcome ? t.why[j] : null,
      last: outcome ? Math.min(Number(t.last[j]), this.now) : null, agreeing: outcome ? t.agreeing[j] : step?.[1] ?? 1,
      mail: mail && mail.created <= this.onFileBy ? mail.id : null, corrects: t.corrects[j],
    };
  }

  /** Of the last `feedSpan` milliseconds, by number. */
  get changes() {
    return this.once("changes", () => {
      const { changes } = this.film;
      const out = new Map();
      const { here } = this;
      const end = after(changes.seen, this.now);
      for (let j = upTo(changes.seen, this.now - this.feedSpan); j < end; j++) {
        if (here[changes.account[j]] && this.tells(j)) out.set(changes.id[j], this.change(j));
      }
      return out;
    });
  }

  get feedKey() {
    const { film, now, by } = this;
    const { was, known: recorded } = film.events;
    const places = [after(was, now), after(recorded, Math.min(by, film.now)), after(film.changes.seen, now - this.feedSpan), this.outages.length];
    return [...places, now - this.lastRead > this.gapAfter, new Date(now).toDateString()].join();
  }

  /** The mail that says what this one said: itself, or the later one that it had been merged into. @param {FilmMail | undefined} mail @returns {FilmMail | undefined} */
  saying(mail) {
    const into = mail?.into ? this.film.mailOf.get(mail.into) : null;
    return into && into.created <= this.onFileBy ? this.saying(into) : mail;
  }

  /** The mails that were written, each as far as it had come. Of one that was given up it is not on file when. */
  get mails() {
    return this.once("mails", () => {
      /** @param {FilmMail} m */
      const sent = (m) => m.sent !== null && m.sent <= this.now;
      /** @param {FilmMail} m */
      const isAsStored = (m) => (m.state === "sent" ? sent(m) : m.state !== "merged" || this.saying(m) !== m);
      return new Map(
        this.film.mails.slice(0, after(this.film.written, this.onFileBy)).map((m) => [
          m.id, { ...m, state: isAsStored(m) ? m.state : "queued", t: sent(m) ? Number(m.sent) : m.created },
        ]),
      );
    });
  }

  /** The acts of executives that were made, and seen by whoever knew. */
  get signals() {
    return this.once("signals", () => {
      const made = this.film.signals.slice(0, after(this.film.made, this.now));
      return new Map(made.filter((s) => s.seen <= this.by).map((s) => [s.id, s]));
    });
  }

  get orders() {
    return this.once("orders", () => {
      const { by, onFileBy } = this;
      return this.film.orders.filter((o) => o.known <= onFileBy && o.since <= by && by < (o.until ?? Infinity));
    });
  }

  get events() {
    return this.once("events", () => this.film.papers.filter((e) => e.known <= this.onFileBy));
  }

  /** Executives with what had been found of which acts can be seen. */
  get executives() {
    return this.once("executives", () =>
      this.film.executives.map((e) => {
        const found = new Map();
        for (const a of e.access) if (a.at === null || a.at <= this.onFileBy) found.set(a.what, a);
        return { ...e, access: [...found.values()] };
      }),
    );
  }

  /** The lists that there were, with how many watched accounts were on each. */
  get lists() {
    return this.once("lists", () => this.film.lists.filter((l) => l.created <= this.onFileBy).map((l) => ({ ...l, size: this.members(l.id).length, posts: postsIn(this.members(l.id)) })));
  }

  /** The watched accounts that were on a list. @param {number} list */
  members(list) {
    return this.once(`members ${list}`, () => {
      const on = this.film.members.get(list) ?? [];
      return on.filter((m) => this.here[m.account] && during(m.times, this.onFileBy)).map((m) => this.all[m.account]);
    });
  }

  /** @param {number} i */
  listsOf(i) {
    return this.film.listsOf[i].filter((m) => during(m.times, this.onFileBy)).map((m) => m.list);
  }

  /** What `counts.mjs` draws the fleet and the lists from. */
  get known() {
    return this.once("known", () => known(this));
  }

  get kpis() {
    return this.once("kpis", () => kpisOf(this));
  }

  get byStatus() {
    return this.once("byStatus", () => byStatusOf(this));
  }

  get countries() {
    return this.once("countries", () => countriesOf(this));
  }

  get compliance() {
    return this.once("compliance", () => this.orders.map((order) => complianceOf(this, order)));
  }

  get counts() {
    return this.once("counts", () => {
      const { s } = this.film.spells;
      const out = Object.fromEntries([...LETTERS, "first"].map((letter) => [letter, 0]));
      const { current, lasts, here, now, gapAfter } = this;
      for (let i = 0; i < here.length; i++) {
        if (!here[i]) continue;
        const v = current[i];
        const unread = now - lasts[i] > gapAfter;
        out[v < 0 ? "first" : unread ? "U" : LETTERS[s[v]]] += 1;
      }
      return { ...out, n: this.watched };
    });
  }
}

/**
 * The known times of all accounts up to a moment, as `counts.mjs` takes them: those of one account in a row,
 * silences left out.
 * @param {Moment} state
 */
function known(state) {
  const { spells, reads } = state.film;
  const { all, now, by, gapAfter, lasts, gapsOfGroups } = state;
  const out = (state.room ??= emptyFor(all.length, spells.from.length + 1024));
  out.n = 0;
  out.first.fill(Infinity);
  for (let i = 0; i < all.length; i++) {
    out.start[i] = out.n;
    const last = lasts[i];
    const until = now - last <= gapAfter ? Infinity : last + 1;
    let gaps = null;
    for (let v = spells.start[i]; v < spells.start[i + 1] && spells.from[v] <= now; v++) {
      if (spells.known[v] > by || spells.until[v] <= by) continue;
      gaps ??= reads.gapsOf(i, gapsOfGroups[reads.groupOf[i]], now, by);
      let from = spells.from[v];
      if (out.first[i] === Infinity) out.first[i] = from;
      const end = Math.min(spells.to[v] <= now ? spells.to[v] : Infinity, until);
      for (const [a, b] of gaps) {
        if (b <= from || a >= end) continue;
        put(out, spells.s[v], from, a + 1);
        from = b;
      }
      put(out, spells.s[v], from, end);
    }
  }
  out.start[all.length] = out.n;
  return out;
}

/** @param {number} accounts @param {number} room */
function emptyFor(accounts, room) {
  const out = /** @type {Room} */ ({ n: 0, start: new Int32Array(accounts + 1), first: new Float64Array(accounts) });
  grow(out, room);
  return out;
}

/** @param {Room} out @param {number} s @param {number} from @param {number} to */
function put(out, s, from, to) {
  if (to <= from) return;
  if (out.n === out.room) grow(out, 2 * out.room);
  out.s[out.n] = s;
  out.from[out.n] = from;
  out.to[out.n] = to;
  out.n += 1;
}

/** @param {Room} out @param {number} room */
function grow(out, room) {
  const { s, from, to } = out;
  Object.assign(out, { room, s: new Uint8Array(room), from: new Float64Array(room), to: new Float64Array(room) });
  if (!s) return;
  out.s.set(s);
  out.from.set(from);
  out.to.set(to);
}
