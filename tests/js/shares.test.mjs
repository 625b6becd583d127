import assert from "node:assert/strict";
import { test } from "node:test";

import { means } from "../../dashboard/assets/board/counts.mjs";
import { groups, ORDER, pixels, stacked } from "../../dashboard/assets/board/shares.mjs";
import { decode } from "../../dashboard/assets/board/state.mjs";
import { at, changes, snapshot, spell, spells } from "./world.mjs";

const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-6, `${found} is not ${wanted}`);

/** `n` accounts that are all read until now; those of `blocked` are withheld from `since` to `until`. */
function crowd(n, blocked, since, until) {
  const id = Array.from({ length: n }, (_, i) => i + 1);
  const of = (i) => (blocked.includes(i) ? [spell(i, "A", 0, since), spell(i, "W", since, until), spell(i, "A", until)] : [spell(i, "A", 0)]);
  return decode(
    snapshot({
      accounts: { id, platform: id.map(() => "x"), handle: id.map((i) => `h${i}`), post: id.map(() => 0), lists: id.map(() => [1]), group: id.map(() => 0) },
      coverage: { groups: [[at(10), []]], rosters: {} }, spells: spells(id.flatMap(of)), changes: changes([]),
    }),
  );
}

test("all accounts are in a group, none in two, and the groups differ by one at most", () => {
  const list = Array.from({ length: 1178 }, (_, i) => ({ i, n: 1 }));
  const found = groups(list, 72);
  assert.deepEqual(found.flat(), list);
  const sizes = found.map((g) => g.length);
  assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
  assert.equal(groups(list.slice(0, 3), 72).length, 3);
});

test("one of a hundred is one hundredth of the picture: it is neither hidden nor does it stand for the others", () => {
  const state = crowd(100, [40], 4, 6);
  const tops = stacked(state, state.accounts, at(0), at(10), 10);
  const share = (i, s) => tops[i * ORDER.length + ORDER.indexOf(s)] - (ORDER.indexOf(s) ? tops[i * ORDER.length + ORDER.indexOf(s) - 1] : 0);
  near(share(5, "W"), 0.01);
  near(share(5, "A"), 0.99);
  near(share(2, "W"), 0);
});

test("a block that is shorter than a column has its part of the column", () => {
  const state = crowd(10, [3], 4.25, 4.5);
  const found = means(state, state.accounts, at(0), at(10), 10);
  near(found.W[4], 0.25);
  near(found.A[4], 9.75);
  near(found.W[3] + found.W[5], 0);
});

test("the shares and what was not checked add up to all accounts, whatever the window", () => {
  const state = decode(snapshot());
  for (const [from, to] of [[0, 10], [3, 8], [-4, 2], [3.7, 3.9]]) {
    const found = means(state, state.accounts, at(from), at(to), 7);
    for (let i = 0; i < 7; i++) {
      const middle = from + ((i + 0.5) * (to - from)) / 7;
      const sum = [..."APWSGDN"].reduce((all, s) => all + found[s][i], 0);
      assert.ok(sum <= 3 + 1e-9 && sum >= (middle > 0 && middle < 4 ? 2 : 0));
    }
  }
});

test("what was not checked stays empty", () => {
  const state = decode(snapshot());
  const tops = stacked(state, [state.byId.get(3)], at(5), at(6), 2);
  assert.equal(Math.max(...tops), 0);
});

test("nothing is told of times after now", () => {
  const state = crowd(4, [], 4, 6);
  const found = means(state, state.accounts, at(8), at(12), 4);
  assert.deepEqual([...found.A.slice(0, 4)], [4, 4, 0, 0]);
});

test("a pixel is the mean of what it covers, by how much of it it covers", () => {
  const found = [];
  const put = (row, ...rgb) => (found[row] = rgb.map(Math.round));
  // From below: a quarter red, then green up to three quarters, the rest empty; drawn in two rows.
  pixels(Float32Array.from([0.25, 0.75]), 0, 2, [[200, 0, 0], [0, 100, 0]], [40, 40, 40], put);
  assert.deepEqual(found, [[20, 70, 20], [100, 50, 0]]);
});
