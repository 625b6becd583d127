import assert from "node:assert/strict";
import { test } from "node:test";

import { means, roomForMeans } from "../../dashboard/assets/board/counts.mjs";
import { groups, ORDER, pixels, roomForShares, stacked } from "../../dashboard/assets/board/shares.mjs";
import { CODE, decode, LETTERS } from "../../dashboard/assets/board/state.mjs";
import { at, changes, snapshot, spell, spells } from "./world.mjs";

const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-6, `${found} is not ${wanted}`);

/** The mean of a status in a part of a window. */
const mean = (found, s, part) => found[part * LETTERS.length + CODE[s]];

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
  const tops = stacked(state, state.accounts, at(0), at(10), roomForShares(10));
  const share = (i, s) => tops[i * ORDER.length + ORDER.indexOf(s)] - (ORDER.indexOf(s) ? tops[i * ORDER.length + ORDER.indexOf(s) - 1] : 0);
  near(share(5, "W"), 0.01);
  near(share(5, "A"), 0.99);
  near(share(2, "W"), 0);
});

test("a block that is shorter than a column has its part of the column", () => {
  const state = crowd(10, [3], 4.25, 4.5);
  const found = means(state, state.accounts, at(0), at(10), roomForMeans(10));
  near(mean(found, "W", 4), 0.25);
  near(mean(found, "A", 4), 9.75);
  near(mean(found, "W", 3) + mean(found, "W", 5), 0);
});

test("the shares and what was not checked add up to all accounts, whatever the window", () => {
  const state = decode(snapshot());
  const room = roomForMeans(7);
  for (const [from, to] of [[0, 10], [3, 8], [-4, 2], [3.7, 3.9]]) {
    const found = means(state, state.accounts, at(from), at(to), room);
    for (let i = 0; i < 7; i++) {
      const middle = from + ((i + 0.5) * (to - from)) / 7;
      const sum = [..."APWSGDN"].reduce((all, s) => all + mean(found, s, i), 0);
      assert.ok(sum <= 3 + 1e-9 && sum >= (middle > 0 && middle < 4 ? 2 : 0));
    }
  }
});

test("what was not checked stays empty", () => {
  const state = decode(snapshot());
  const tops = stacked(state, [state.byId.get(3)], at(5), at(6), roomForShares(2));
  assert.equal(Math.max(...tops), 0);
});

test("nothing is told of times after now", () => {
  const state = crowd(4, [], 4, 6);
  const found = means(state, state.accounts, at(8), at(12), roomForMeans(4));
  assert.deepEqual([0, 1, 2, 3].map((i) => mean(found, "A", i)), [4, 4, 0, 0]);
});

test("what was summed before in the same room is not in the sums", () => {
  const state = crowd(10, [3], 4, 6);
  const room = roomForShares(10);
  const alone = [...stacked(state, [state.accounts[0]], at(0), at(10), roomForShares(10))];
  stacked(state, state.accounts, at(0), at(10), room);
  assert.deepEqual([...stacked(state, [state.accounts[0]], at(0), at(10), room)], alone);
});

test("a pixel is the mean of what it covers, by how much of it it covers", () => {
  const found = [];
  const put = (row, ...rgb) => (found[row] = rgb.map(Math.round));
  // From below: a quarter red, then green up to three quarters, the rest empty; drawn in two rows.
  pixels(Float32Array.from([0.25, 0.75]), 0, 2, [[200, 0, 0], [0, 100, 0]], [40, 40, 40], put);
  assert.deepEqual(found, [[20, 70, 20], [100, 50, 0]]);
});
