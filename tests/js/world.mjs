// A snapshot as the server sends it, small enough to see through.

import { PLATFORMS } from "../../dashboard/assets/shell/platforms.mjs";

/** As the document brings them. */
Object.assign(PLATFORMS, {
  x: { name: "X", letters: [..."APWSDN"], own: {} },
  bluesky: { name: "Bluesky", letters: [..."AWSDN"], own: { W: "Restricted", S: "Taken down" } },
  mastodon: { name: "Mastodon", letters: [..."ASNG"], own: {} },
});
export const T0 = Date.UTC(2021, 1, 1, 12);
export const HOUR = 3_600_000;
export const at = (hours) => T0 + hours * HOUR;

const columns = (rows, names) => Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name] ?? null)]));

/** The words of a message: rows name them by their number. */
export const WORDS = ["available", "withheld in India (IN)", "available again (before: withheld in India (IN))", "taken down by its server"];
const wordOf = (s) => (s === "W" ? 1 : s === "S" ? 3 : 0);

export const changes = (rows) =>
  columns(rows, ["id", "account", "kind", "s", "w", "h", "strength", "old", "seen", "recorded", "outcome", "why", "last", "agreeing", "mail", "corrects"]);
export const spells = (rows) => columns(rows, ["account", "s", "w", "onset", "from", "to"]);

/** A change that was confirmed, unless `more` says otherwise. */
export const change = (id, account, s, old, seen, more = {}) => ({
  id, account, kind: s === "A" ? "restoration" : "block", s, w: wordOf(s), h: s === "A" ? 2 : wordOf(s), strength: "strong",
  old: at(old), seen: at(seen), recorded: at(seen), outcome: "confirmed", why: "enough_strong", last: at(seen), agreeing: 2, mail: null, ...more,
});

export const spell = (account, s, from, to = null, onset = null) => ({
  account, s, w: wordOf(s), onset: onset === null ? null : at(onset), from: at(from), to: to === null ? null : at(to),
});

/** Three accounts on one list of an order; read at 0 h and then each half hour until 10 h, which is now. */
export function snapshot(more = {}) {
  return {
    id: 5, now: at(10), from: at(0), earliest: at(0), sweep: HOUR / 2, gap_after: 1.25 * HOUR,
    lists: [{ id: 1, name: "Order 1 list", size: 3, posts: 0 }],
    accounts: { id: [1, 2, 3], platform: ["x", "x", "x"], handle: ["ada", "bob", "cy"], post: [0, 0, 0], lists: [[1], [1], [1]], group: [0, 0, 1] },
    coverage: { groups: [[at(10), []], [at(10), [[at(4), at(7)]]]], rosters: { 9: [0, 1, 2] } },
    outages: [],
    spells: spells([spell(1, "A", 0, 2), spell(1, "W", 2, null, 1.5), spell(2, "A", 0), spell(3, "A", 0)]),
    changes: changes([change(11, 1, "W", 1.5, 2)]), words: WORDS,
    signals: columns([], ["id", "executive", "kind", "t"]), mails: [],
    orders: [{ id: 1, title: "Order 1", list: 1, named: 7, at: at(1), from: null, to: null, disputed: false, deadline: null, known: at(1) }],
    events: [], executives: [], kpis: {}, before: { from: at(0), step: HOUR, blocked: [], restored: [] }, detectors: { n: 1, bad: 0, worst: [] },
    ...more,
  };
}
