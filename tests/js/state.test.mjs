import assert from "node:assert/strict";
import { test } from "node:test";

import { tally } from "../../dashboard/assets/board/counts.mjs";
import { apply, bandName, covered, decode, groupName, isOffered, knownUntil, listAsked, outages, stateAt, stateNow, windowOf } from "../../dashboard/assets/board/state.mjs";
import { at, change, changes, HOUR, snapshot, spell, spells, WORDS } from "./world.mjs";

const delta = (more) => ({ now: at(10), since: 5, id: 6, read_from: at(10), words: WORDS, ...more });

test("an archived list is offered only where it is chosen", () => {
  const [used, old] = [{ id: 1, name: "Press", size: 3, archived: false }, { id: 2, name: "Old desk", size: 3, archived: true }];
  assert.deepEqual([isOffered(used, "all"), isOffered(old, "all"), isOffered(old, "2")], [true, false, true]);
});

test("a delta replaces the spells of its accounts and folding it in twice changes nothing", () => {
  const state = decode(snapshot());
  const news = delta({
    changes: changes([change(12, 2, "S", 9, 9.5)]),
    spells: spells([spell(2, "A", 0, 9.5), spell(2, "S", 9.5, null, 9)]),
  });

  assert.equal(apply(state, news), "ok");
  const once = JSON.stringify([...state.changes.values(), state.accounts]);
  assert.equal(apply(state, news), "ok");

  assert.equal(JSON.stringify([...state.changes.values(), state.accounts]), once);
  assert.deepEqual(state.byId.get(2).spells.map((s) => s.s), ["A", "S"]);
  assert.equal(state.id, 6);
});

test("a delta that begins after the last known event is not folded in", () => {
  const state = decode(snapshot());
  assert.equal(apply(state, delta({ since: 8, id: 9 })), "behind");
  assert.equal(state.id, 5);
});

test("readings that begin after the last known ones are not folded in, or a pause of this page would look like a gap", () => {
  const state = decode(snapshot());
  const answer = apply(state, delta({ since: 5, id: 5, now: at(14), read_from: at(13), reads: [[9, at(13.5), [], null]] }));

  assert.equal(answer, "behind");
  assert.equal(state.byId.get(1).last, at(10));
});

test("a change of an account that this page does not know asks for everything anew", () => {
  const state = decode(snapshot());
  assert.equal(apply(state, delta({ changes: changes([change(12, 77, "S", 9, 9.5)]) })), "reload");
});

test("a provisional change is pending until its outcome comes", () => {
  const state = decode(snapshot());
  apply(state, delta({ changes: changes([change(12, 2, "S", 9, 9.5, { outcome: null })]) }));
  assert.equal(state.byId.get(2).pending.id, 12);

  apply(state, delta({ since: 6, id: 7, changes: changes([change(12, 2, "S", 9, 9.5, { outcome: "not_confirmed" })]) }));
  assert.equal(state.byId.get(2).pending, null);
  assert.equal(stateNow(state, state.byId.get(2)).s, "A");
});

test("a correction takes the place of what it corrects, and doing it twice changes nothing", () => {
  const state = decode(snapshot());
  const news = delta({
    superseded: [11, 99], changes: changes([change(12, 1, "W", 0.5, 1, { corrects: 11 })]),
    spells: spells([spell(1, "A", 0, 1), spell(1, "W", 1, null, 0.5)]),
  });
  assert.equal(apply(state, news), "ok");
  assert.equal(apply(state, news), "ok");

  assert.deepEqual([...state.changes.keys()], [12]);
  assert.deepEqual(state.byId.get(1).changes.map((c) => c.id), [12]);
  assert.equal(stateAt(state, state.byId.get(1), at(1.5)).s, "W");
});

test("a provisional change that was corrected is pending no more", () => {
  const state = decode(snapshot({ changes: changes([change(11, 1, "W", 1.5, 2, { outcome: null })]) }));
  const none = change(12, 1, "W", 1.5, 2, { outcome: "not_confirmed", why: "corrected", corrects: 11 });
  apply(state, delta({ superseded: [11], changes: changes([none]) }));
  assert.equal(state.byId.get(1).pending, null);
});

test("an account left out of an answer is read later than the others, and a long silence becomes its gap", () => {
  const state = decode(snapshot());
  apply(state, delta({ now: at(12), reads: [[9, at(10.5), [2], null], [9, at(11), [2], null], [9, at(11.5), [], null]] }));

  assert.deepEqual(state.byId.get(1).gaps, []);
  assert.deepEqual(state.byId.get(2).gaps, [[at(10), at(11.5)]]);
});

test("a re-read of single accounts counts for them only", () => {
  const state = decode(snapshot());
  apply(state, delta({ now: at(11), reads: [[500, at(10.7), [], [2]]] }));

  assert.equal(state.byId.get(2).last, at(10.7));
  assert.equal(state.byId.get(1).last, at(10));
});

test("without readings the state is drawn to the last one and no further", () => {
  const state = decode(snapshot());
  state.now = at(11);
  assert.equal(knownUntil(state, state.byId.get(1)), at(11));
  state.now = at(13);
  assert.equal(knownUntil(state, state.byId.get(1)), at(10));
  assert.equal(stateNow(state, state.byId.get(1)).s, "U");
  assert.deepEqual(outages(state), [[at(10), null]]);
});

test("the state at a time is that of the confirmed spell, unknown inside a gap, nothing before the first reading", () => {
  const state = decode(snapshot());
  const [ada, , cy] = state.accounts;
  assert.equal(stateAt(state, ada, at(1)).s, "A");
  assert.deepEqual(stateAt(state, ada, at(3)), { s: "W", w: "withheld in India (IN)" });
  assert.equal(stateAt(state, cy, at(5)).s, "U");
  assert.equal(stateAt(state, ada, at(-1)), null);
});

test("covered cuts out what was not read", () => {
  const account = { gaps: [[2, 4], [6, 7]] };
  assert.deepEqual(covered(account, 0, 10), [[0, 2], [4, 6], [7, 10]]);
  assert.deepEqual(covered(account, 2, 4), []);
});

test("the counts of each moment add up to the watched accounts and agree with looking at each account", () => {
  const state = decode(snapshot());
  const n = 20;
  const t = tally(state, state.accounts, at(-1), at(9), n);
  for (let i = 0; i <= n; i++) {
    const moment = at(-1) + (i * 10 * HOUR) / n;
    const expected = { A: 0, W: 0, U: 0 };
    let watched = 0;
    for (const account of state.accounts) {
      const one = stateAt(state, account, moment);
      if (!one) continue;
      watched += 1;
      expected[one.s] += 1;
    }
    assert.equal(t.n[i], watched);
    // At the very edge of a gap a reading exists: both answers are right there.
    if (moment === at(4)) continue;
    assert.deepEqual([t.A[i], t.W[i], t.U[i]], [expected.A, expected.W, expected.U], `moment ${i}`);
  }
});

test("what a group of accounts is called depends on the platforms they are on", () => {
  const on = (...platforms) => ["W", "S", "A"].map((s) => groupName({ platforms: new Set(platforms) }, s));
  assert.deepEqual(on("x"), ["Withheld", "Suspended", "Available"]);
  assert.deepEqual(on("bluesky"), ["Restricted", "Taken down", "Available"]);
  assert.deepEqual(on("x", "bluesky"), ["Withheld or restricted", "Suspended or taken down", "Available"]);
  assert.equal(groupName({ platforms: new Set(["mastodon"]) }, "G"), "Suspended or deleted");
});

test("a band of accounts with one status is called by it, and only one with several is called gone", () => {
  const named = (counts) => bandName({ platforms: new Set(["x"]) }, ["N", "G", "D"], { N: 0, G: 0, D: 0, ...counts });
  assert.deepEqual([named({ N: 7 }), named({ D: 1 }), named({ N: 7, D: 1 }), named({})], ["Not found", "Deactivated", "Gone", "Not found"]);
});

test("papers that become known without an event are taken in, but never older ones than those that are there", () => {
  const state = decode(snapshot());
  const late = { ...state.orders[0], id: 2, title: "Late order", list: 9 };
  apply(state, delta({ id: 5, orders: [...state.orders, late] }));
  assert.deepEqual(state.orders.map((o) => o.title), ["Order 1", "Late order"]);

  apply(state, delta({ since: 4, id: 4, orders: [] }));
  assert.equal(state.orders.length, 2);
});

test("a message that accounts joined asks for everything anew and folds nothing in", () => {
  const state = decode(snapshot());
  assert.equal(apply(state, { now: at(11), reload: true }), "reload");
  assert.equal(state.id, 5);
});

const DAY = 24 * HOUR;
for (const [name, more, range, from] of [
  ["the window begins at the first reading where that is later than the range", { now: at(100), earliest: at(0), orders: [] }, "14d", at(-1)],
  ["the window begins at an order that is older than the first reading", { now: at(100), earliest: at(50) }, "14d", at(1 - 0.99)],
  ["a range that is full begins where it says", { now: at(30 * 24), earliest: at(0) }, "7d", at(30 * 24) - 7 * DAY],
  ["a window is an hour wide at least", { now: at(0.1), earliest: at(0), orders: [] }, "24h", at(0.1) - 1.01 * HOUR],
  ["all begins at the first reading", { now: at(1000), earliest: at(0), orders: [] }, "all", at(-10)],
]) {
  test(name, () => {
    const [start, end] = windowOf(decode(snapshot(more)), range);
    assert.equal(Math.round(start), Math.round(from));
    assert.ok(end > more.now);
  });
}

test("an address asks for a list by its number, and for none that there is not", () => {
  const state = decode(snapshot());
  state.lists = [{ id: 3, name: "Press", size: 1 }];

  assert.equal(listAsked(state, "?range=7d&list=3"), "3");
  for (const search of ["", "?range=7d", "?list=", "?list=4", "?list=x"]) assert.equal(listAsked(state, search), null);
});
