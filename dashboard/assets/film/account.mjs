// One account at the moment of its state, in the shape that Live draws. What is asked for is made once for each move.

import { LETTERS } from "../board/state.mjs";

export class Account {
  /** @param {Moment} state @param {Film["accounts"][number]} row @param {number} i */
  constructor(state, row, i) {
    this.state = state;
    this.i = i;
    this.id = row.id;
    this.handle = row.handle;
    this.post = row.post;
    this.n = 1;
    this.isQuiet = false;
    this.platform = row.platform;
    /** By name what was made, and at which move. @type {Map<string, { facts: number, made: any }>} */
    this.kept = new Map();
  }

  /** What is confirmed of it, oldest first; the last has no end. */
  get spells() {
    return this.once("spells", () => {
      const { spells, words } = this.state.film;
      const { now, by } = this.state;
      /** @type {Spell[]} */
      const out = [];
      for (let v = spells.start[this.i]; v < spells.start[this.i + 1] && spells.from[v] <= now; v++) {
        if (spells.known[v] > by || spells.until[v] <= by) continue;
        out.push({
          s: LETTERS[spells.s[v]], w: words[spells.w[v]], onset: Number.isNaN(spells.onset[v]) ? null : spells.onset[v],
          from: spells.from[v], to: spells.to[v] <= now ? spells.to[v] : null,
        });
      }
      return out;
    });
  }

  /** Its changes but for confirmed first states, by when they were first seen. */
  get changes() {
    return this.once("changes", () => {
      const { start, order } = this.state.film.changesOf;
      return Array.from(order.subarray(start[this.i], start[this.i + 1])).filter((j) => this.state.tells(j)).map((j) => this.state.change(j));
    });
  }

  /** The change that is not decided yet, or null. */
  get pending() {
    return this.changes.findLast((c) => c.outcome === null) ?? null;
  }

  /** When its latest change was first seen, 0 for none. */
  get latest() {
    const { changes, changesOf } = this.state.film;
    for (let k = changesOf.start[this.i + 1] - 1; k >= changesOf.start[this.i]; k--) {
      const j = changesOf.order[k];
      if (changes.isNews[j] && this.state.tells(j)) return changes.seen[j];
    }
    return 0;
  }

  get last() {
    const last = this.state.lastOf(this.i);
    return last === -Infinity ? null : last;
  }

  get gaps() {
    return this.once("gaps", () => this.state.gapsOf(this.i));
  }

  /** The numbers of the lists that it was on. */
  get lists() {
    return this.state.listsOf(this.i);
  }

  /**
   * What `make` gives, made once for each move of the state.
   * @template T
   * @param {string} name @param {() => T} make @returns {T}
   */
  once(name, make) {
    const before = this.kept.get(name);
    if (before?.facts === this.state.facts) return before.made;
    const made = make();
    this.kept.set(name, { facts: this.state.facts, made });
    return made;
  }
}
