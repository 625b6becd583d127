// A film as the server sends it, small enough to see through. Hours are counted from T0.

import { at, HOUR, WORDS } from "./world.mjs";

const columns = (rows, names) => Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name] ?? null)]));
const wordOf = (s) => (s === "W" ? 1 : s === "S" ? 3 : 0);
const atOrNone = (t) => (t === null ? null : at(t));

/** What was believed of an account from `known` to `until`: that it was `s` from `from` to `to`. */
export const belief = (account, s, change, [from, to], [known, until], onset = null) => ({
  account, s, w: wordOf(s), c: s === "W" ? 1 : 0, onset: atOrNone(onset), from: at(from), to: atOrNone(to), known: at(known), until: atOrNone(until), change,
});

export const change = (id, account, s, old, seen, decided, more = {}) => ({
  id, account, kind: s === "A" ? "restoration" : "block", s, w: wordOf(s), h: s === "A" ? 2 : wordOf(s), strength: "strong",
  old: at(old), seen: at(seen), recorded: at(seen), outcome: decided === null ? null : "confirmed", why: "enough_strong",
  decided: atOrNone(decided), last: atOrNone(decided), agreeing: 2, mail: null, corrects: null, superseded: null, ...more,
});

const baseline = (id, account) => change(id, account, "A", 0, 0, 0, { kind: "baseline", old: null });

/**
 * Read each half hour from 0 h to 20 h, which is now. Ada was withheld from 2 h (last seen otherwise at 1 h 30) to 6 h,
 * each confirmed half an hour later. Bob and Cy were in another request: their readings from 8 h to 11 h were recorded at
 * 12 h, and one of those at 10 h shows that Bob was suspended; it was confirmed then. Dee was put on file at 15 h.
 */
export function filmed(more = {}) {
  const late = [8, 8.5, 9, 9.5, 10, 10.5, 11].map((h) => ({ roster: 10, a: at(h), ar: (12 - h) * HOUR, b: at(h), br: (12 - h) * HOUR }));
  const run = (roster, a, b) => ({ roster, a: at(a), ar: 0, b: at(b), br: 0 });
  return {
    id: 5, now: at(20), from: at(0), sweep: HOUR / 2, late_after: HOUR, gap_after: 1.25 * HOUR, apart: 0.75 * HOUR, recorded_within: HOUR / 4, rosters: { 9: [1], 10: [2, 3] },
    lists: [{ id: 1, name: "Order 1 list", created: at(0) }],
    accounts: { id: [1, 2, 3, 4, 5], platform: ["x", "x", "x", "x", "x"], handle: ["ada", "bob", "cy", "dee", "gone"], post: [0, 0, 0, 0, 0] },
    watched: { account: [1, 2, 3, 4], from: [at(0), at(0), at(0), at(15)], to: [null, null, null, null] },
    spells: columns(
      [
        belief(1, "A", 1, [0, null], [0, 2.5]), belief(1, "A", 1, [0, 2], [2.5, null]), belief(1, "W", 11, [2, null], [2.5, 6.5], 1.5),
        belief(1, "W", 11, [2, 6], [6.5, null], 1.5), belief(1, "A", 12, [6, null], [6.5, null], 5.5),
        belief(2, "A", 2, [0, null], [0, 12]), belief(2, "A", 2, [0, 10], [12, null]), belief(2, "S", 13, [10, null], [12, null], 9.5),
        belief(3, "A", 3, [0, null], [0, null]), belief(5, "W", 5, [0, null], [0, null]),
      ],
      ["account", "s", "w", "c", "onset", "from", "to", "known", "until", "change"],
    ),
    changes: columns(
      [
        baseline(1, 1), baseline(2, 2), baseline(3, 3), change(11, 1, "W", 1.5, 2, 2.5, { mail: 7 }), change(12, 1, "A", 5.5, 6, 6.5),
        change(13, 2, "S", 9.5, 10, 12, { recorded: at(12) }),
      ],
      ["id", "account", "kind", "s", "w", "h", "strength", "old", "seen", "recorded", "outcome", "why", "decided", "last", "agreeing", "mail", "corrects", "superseded"],
    ),
    steps: { change: [], recorded: [], agreeing: [] },
    members: { list: [1, 1, 1], account: [1, 2, 5], from: [at(0), at(0), at(0)], to: [null, null, null] },
    runs: columns([run(9, 0, 20), run(10, 0, 7.5), ...late, run(10, 11.5, 20)], ["roster", "a", "ar", "b", "br"]),
    holes: columns([], ["account", "roster", "a", "b", "br"]), points: columns([], ["account", "a", "ar"]),
    signals: columns([{ id: 1, executive: 9, kind: "post", t: at(3), seen: at(4) }], ["id", "executive", "kind", "t", "seen"]),
    mails: [{ id: 7, subject: "Withheld", state: "sent", n: 1, created: at(2.5), sent: at(3) }],
    orders: [
      { id: 1, title: "Order one", country: "IN", list: 1, named: 7, at: at(1), from: null, to: null, disputed: false, deadline: at(8), known: at(1), since: at(1), until: at(9) },
      { id: 1, title: "Order 1", country: "IN", list: 1, named: 7, at: at(1), from: null, to: null, disputed: false, deadline: at(8), known: at(1), since: at(9), until: null },
    ],
    events: [{ id: 1, kind: "notice", at: at(4), from: null, to: null, text: "Notice", source: "A paper", known: at(5) }],
    executives: [{ id: 9, name: "Eve", title: "CEO", access: [{ what: "likes", where: "X", state: "not observable", at: null, why: "private" }, { what: "likes", where: "X", state: "observable since", at: at(4), why: "found" }] }],
    words: WORDS, countries: [[], ["IN"]],
    ...more,
  };
}
