import assert from "node:assert/strict";
import { test } from "node:test";
import { countAt, members, tally } from "../../dashboard/assets/board/counts.mjs";
import { days } from "../../dashboard/assets/board/feed.mjs";
import { figures } from "../../dashboard/assets/board/kpis.mjs";
import { laneWord } from "../../dashboard/assets/board/lanes.mjs";
import { lastWords } from "../../dashboard/assets/board/table.mjs";
import { density, differences, filmOf, goTo, nextEvent, stateOf } from "../../dashboard/assets/film/film.mjs";
import { only } from "../../dashboard/assets/film/only.mjs";
import { filmed } from "./film-world.mjs";
import { at, HOUR } from "./world.mjs";

const film = filmOf(filmed());
const state = stateOf(film);
const was = (hours) => goTo(state, at(hours));
const known = (hours, k = hours) => goTo(state, at(hours), at(k));
const told = (one) => Object.fromEntries(Object.entries(one.counts).filter(([, n]) => n > 0));

for (const [rule, moment, counts] of [
  ["a state that was seen is told from its first reading on", () => was(2), { A: 2, W: 1, n: 3 }],
  ["but was not known before it was confirmed", () => known(2), { A: 3, n: 3 }],
  ["from then on it was", () => known(2.5), { A: 2, W: 1, n: 3 }],
  ["what was recorded late is told of the time at which it was read", () => was(10), { A: 2, S: 1, n: 3 }],
  ["where it was not on record nobody had looked", () => known(10), { A: 1, U: 2, n: 3 }],
  ["later it was known of the same moment", () => known(10, 12), { A: 2, S: 1, n: 3 }],
  ["an account is not told of before it was put on file", () => was(14.9), { A: 2, S: 1, n: 3 }],
  ["and is without a confirmed state until it is read", () => was(15), { A: 2, S: 1, first: 1, n: 4 }],
]) test(rule, () => assert.deepEqual(told(moment()), counts));

test("of a moment after the knowledge nothing was known: it is told of the end of the knowledge", () => {
  assert.equal(known(10, 2.5).now, at(2.5));
});

test("Live's own drawings count the same at each moment, and nothing after it", () => {
  for (const moment of [() => was(10), () => known(10), () => known(6), () => was(15)]) {
    const one = moment();
    const { first, n, ...counts } = one.counts;
    assert.deepEqual(countAt(one, one.accounts, one.now), { ...counts, n: n - first });
  }
  const { W, n } = tally(known(6), state.accounts, at(0), at(20), 20);
  assert.deepEqual([...W.slice(0, 10)], [0, 0, 1, 1, 1, 1, 1, 0, 0, 0]);
  assert.equal(n[7], 0);
});

test("a lane has what was known of it, and its last part no end", () => {
  const [ada, bob] = [was(3).accounts[0], state.accounts[1]];
  assert.deepEqual(ada.spells.map((s) => [s.s, s.from, s.to, s.onset]), [["A", at(0), at(2), null], ["W", at(2), null, at(1.5)]]);
  assert.deepEqual(bob.gaps, []);
  known(12, 12.1);
  assert.deepEqual(bob.gaps, []);
  known(11.9);
  assert.deepEqual([bob.gaps, bob.last], [[[at(7.5), at(11.5)]], at(11.9)]);
});

test("what is not on record of a moment is not made up: when it was read within a run, and when it was to be read again", () => {
  const one = known(2);
  const [ada] = one.accounts;
  assert.equal(lastWords(one, ada), "in time");
  assert.deepEqual(figures(one).provisional, ["1", "awaited further readings", false, ""]);
  assert.match(lastWords(known(10), known(10).accounts[1]), /^1 Feb.*19:30 UTC$/);
});

test("a change that was not decided then is provisional, in the lane and in the figures", () => {
  const [ada] = known(2).accounts;
  assert.deepEqual(laneWord(state, ada), { text: "Withheld in India (IN)?", icon: null, provisional: true });
  assert.deepEqual([state.kpis.provisional, state.kpis.new_blocks, state.kpis.withheld], [1, 0, 0]);
  was(2);
  assert.deepEqual([state.kpis.provisional, state.kpis.new_blocks, state.kpis.withheld], [0, 1, 1]);
  assert.deepEqual(state.kpis.withheld_by, [["IN", 1]]);
});

test("the feed has what was known, with its mails as far as they were", () => {
  const day = days(was(2.6), at(0))[0];
  assert.deepEqual([day.down, day.up], [1, 0]);
  assert.equal(state.mails.get(7).state, "queued");
  assert.equal(was(3).mails.get(7).state, "sent");
  assert.equal(was(2).changes.get(11).mail, null);
  assert.deepEqual([...known(11).changes.keys()], [11, 12]);
});

test("a mail that was merged waits until the one that says both is written, and that one tells it since", () => {
  const wrote = { id: 7, subject: "Withheld", state: "merged", into: 8, n: 1, created: at(2.5), sent: null };
  const both = { id: 8, subject: "Available again after being withheld", state: "sent", into: null, n: 1, created: at(6.5), sent: at(7) };
  const own = stateOf(filmOf(filmed({ mails: [wrote, both] })));
  const then = (hours) => [goTo(own, at(hours)).changes.get(11).mail, own.mails.get(7).state, own.mails.get(8)?.state];
  assert.deepEqual(then(3), [7, "queued", undefined]);
  assert.deepEqual(then(6.6), [8, "merged", "queued"]);
  assert.deepEqual(then(8), [8, "merged", "sent"]);
});

test("orders are told as they stood on file, and how far they were followed", () => {
  assert.deepEqual(was(0.5).orders, []);
  assert.equal(known(5).orders[0].title, "Order one");
  assert.equal(was(5).orders[0].title, "Order 1");
  const { order, ...counts } = was(5).compliance[0];
  assert.deepEqual(counts, { named: 7, onList: 3, posts: 0, watched: 2, read: 3, ever: 1, before: 0, now: 1, stale: 0, restored: 0, gone: 0 });
  const later = was(11).compliance[0];
  assert.deepEqual([later.ever, later.now, later.restored], [2, 1, 1]);
  assert.equal(was(9).kpis.orders_overdue, 1);
});

test("an act of an executive is told when it was made, and was known when it was seen", () => {
  assert.equal(was(3).signals.size, 1);
  assert.equal(known(3).signals.size, 0);
  assert.equal(known(4).signals.size, 1);
  assert.equal(was(3).executives[0].access[0].state, "not observable");
  assert.equal(was(4).executives[0].access[0].state, "observable since");
});

test("what is told otherwise is named with when it came on record", () => {
  const two = [was(10), goTo(stateOf(film), at(10), at(10))];
  assert.deepEqual(
    differences(...two).map((d) => [d.account.handle, d.was.s, d.then.s, d.recorded, d.why]),
    [["bob", "S", "U", at(12), "recorded later"], ["cy", "A", "U", at(12), "read later"]],
  );
  const early = [was(2), goTo(two[1], at(2), at(2))];
  assert.deepEqual(differences(...early).map((d) => [d.account.handle, d.then.s, d.recorded, d.why]), [["ada", "A", at(2.5), "confirmed later"]]);
});

test("one steps from event to event, in the order in which they happened or became known", () => {
  const all = (asKnown) => {
    const out = [];
    for (let t = nextEvent(film, at(0), 1, asKnown); t !== null; t = nextEvent(film, t, 1, asKnown)) out.push((t - at(0)) / HOUR);
    return out;
  };
  assert.deepEqual(all(false), [1, 2, 2.5, 3, 5, 6, 10]);
  assert.deepEqual(all(true), [1, 2, 2.5, 3, 5, 6, 6.5, 12]);
  assert.equal(nextEvent(film, at(2.5), -1), at(2));
  assert.equal(nextEvent(film, at(1), -1), null);
});

test("the strip counts blocks and restorations where they were first seen", () => {
  const { bins, blocked, restored } = density(film, [at(0), at(20)]);
  /** @param {Int32Array} counts */
  const counted = (counts) => [...counts].flatMap((k, i) => (k ? [[(bins.start + i * bins.step - at(0)) / HOUR, k]] : []));
  assert.deepEqual([bins.step, counted(blocked), counted(restored)], [HOUR / 4, [[2, 1], [10, 1]], [[6, 1]]]);
});

test("a list has the accounts that were on it then", () => {
  assert.deepEqual(was(5).lists.map((l) => l.size), [2]);
  assert.deepEqual(members(state, 1).map((a) => a.handle), ["ada", "bob"]);
  assert.deepEqual(state.accounts[0].lists, [1]);
});

test("who left the watch or a list counts up to then, and again from when it came back", () => {
  const edited = filmed();
  edited.watched = { account: [1, 1, 2, 3], from: [at(0), at(16), at(0), at(0)], to: [at(4), null, null, at(12)] };
  edited.members = { list: [1, 1, 1], account: [1, 2, 2], from: [at(0), at(0), at(18)], to: [null, at(9), null] };
  const moment = stateOf(filmOf(edited));
  const told = (h, k = null) => {
    goTo(moment, at(h), k === null ? null : at(k));
    return [moment.accounts.map((a) => a.handle), moment.watched, members(moment, 1).map((a) => a.handle)];
  };
  assert.deepEqual(told(3), [["ada", "bob", "cy"], 3, ["ada", "bob"]]);
  assert.deepEqual(told(5), [["bob", "cy"], 2, ["bob"]]);
  assert.deepEqual(told(10), [["bob", "cy"], 2, []]);
  assert.deepEqual(told(17), [["ada", "bob"], 2, ["ada"]]);
  assert.deepEqual(told(19), [["ada", "bob"], 2, ["ada", "bob"]]);
  assert.deepEqual(told(3, 3), told(3));
  assert.equal(goTo(moment, at(5)).counts.n, 2);
  assert.equal(moment.kpis.new_blocks, 0, "what it did while it was watched is not told of those who are");
  assert.deepEqual([null, at(17)].map((k) => goTo(moment, at(17), k).compliance[0].onList), [2, 1]);
  const alone = stateOf(filmOf(only(edited, 1)));
  assert.deepEqual(goTo(alone, at(3)).accounts.map((a) => a.handle), ["ada", "bob"]);
  assert.deepEqual(goTo(alone, at(10)).accounts.map((a) => a.handle), []);
  assert.deepEqual(goTo(alone, at(19)).accounts.map((a) => a.handle), ["ada", "bob"]);
});
