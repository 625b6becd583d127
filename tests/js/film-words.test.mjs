import assert from "node:assert/strict";
import { test } from "node:test";

import { differences, filmOf, goTo, stateOf } from "../../dashboard/assets/film/film.mjs";
import { only } from "../../dashboard/assets/film/only.mjs";
import { apart, windowOfBoth } from "../../dashboard/assets/replay/pair.mjs";
import { differenceWords, hereWords, knewWords, lateWord, utcWords } from "../../dashboard/assets/replay/words.mjs";
import { setZone } from "../../dashboard/assets/shell/time.mjs";
import { filmed } from "./film-world.mjs";
import { at, T0 } from "./world.mjs";

const states = () => {
  const film = filmOf(filmed());
  return [stateOf(film), stateOf(film)];
};

test("a moment is told in UTC whichever zone is chosen, and where the reader is", () => {
  setZone("local");
  assert.equal(utcWords(T0), "1 Feb 2021, 12:00 UTC");
  setZone("utc");
  assert.equal(utcWords(T0 + 5_000), "1 Feb 2021, 12:00:05 UTC");
  assert.match(hereWords(T0, "Asia/Kolkata"), /^17:30 (IST|GMT\+5:30)$/);
  assert.match(hereWords(T0, "Pacific/Auckland"), /^2 Feb, 01:00 /);
  assert.equal(hereWords(T0, "UTC"), "");
});

test("by what a moment is told is said in words", () => {
  assert.deepEqual([null, "then", T0].map(knewWords), [
    "as known now", "as known then", "as known at 1 Feb 2021, 12:00 UTC",
  ]);
});

test("how many accounts differ is said with the reason and with when it was put on record", () => {
  const [was, then] = states();
  goTo(was, at(10.5));
  goTo(then, at(10.5), at(10.5));
  const differing = differences(was, then);
  assert.deepEqual(differenceWords(differing), {
    head: "2 accounts differ.",
    reasons:
      "1 had changed by then, but the readings that show the change were recorded only on 2 Feb, 00:00 UTC. " +
      "1 had been read by then, but the readings were recorded only on 2 Feb, 00:00 UTC.",
  });
  assert.equal(lateWord(differing[0], at(10.5)), "recorded 2 Feb");
  assert.equal(lateWord({ recorded: at(11), why: "confirmed later" }, at(10)), "confirmed 23:00");
  assert.equal(differenceWords([]), null);
});

test("one account of which nothing else differs is told of in the singular", () => {
  const differing = (post) => [{ account: { post, n: 1 }, why: "confirmed later", recorded: at(1) }];
  assert.equal(differenceWords(differing(true)).head, "1 post differs.");
  assert.deepEqual(differenceWords(differing(false)), {
    head: "1 account differs.",
    reasons: "It had changed by then, but the change was still provisional; it was confirmed only on 1 Feb, 13:00 UTC.",
  });
});

test("two moments are set apart by the accounts that stand otherwise", () => {
  const [a, b] = states();
  goTo(a, at(1));
  goTo(b, at(3));
  assert.deepEqual(apart(a, b).map(({ i, a: x, b: y }) => [a.all[i].handle, x.s, y.s]), [["ada", "A", "W"]]);
  assert.deepEqual(windowOfBoth([at(2), at(10)], a, b), [at(1), at(10)]);
  goTo(b, at(16));
  assert.deepEqual(windowOfBoth([at(2), at(10)], a, b), [at(1), at(16)]);
  assert.deepEqual(apart(a, b).map(({ i, a: x, b: y }) => [a.all[i].handle, x.s, y.s]), [["bob", "A", "S"], ["dee", "none", "first"]]);
});

test("the film of one list has its accounts alone, each from when it was put on the list", () => {
  const snapshot = filmed();
  snapshot.members.from[1] = at(5);
  const film = filmOf(only(snapshot, 1));
  const state = goTo(stateOf(film), at(3));
  assert.deepEqual([state.counts.W, state.counts.n], [1, 1]);
  goTo(state, at(16));
  assert.deepEqual([state.counts.A, state.counts.S, state.counts.n], [1, 1, 2]);
  assert.deepEqual(state.orders.map((o) => o.list), [1]);
  assert.equal(filmOf(only(snapshot, 99)).accounts.length, 0);
});
