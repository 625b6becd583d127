import assert from "node:assert/strict";
import { test } from "node:test";

import { annotations, place } from "../../dashboard/assets/board/annotations.mjs";
import { decode } from "../../dashboard/assets/board/state.mjs";
import { at, HOUR, snapshot } from "./world.mjs";

/** A canvas that only measures: seven pixels a letter. */
const ruler = { font: "", measureText: (words) => ({ width: 7 * String(words).length }) };
const X = (t) => (t - at(0)) / HOUR;

function random(seed) {
  let n = seed;
  return () => (n = (n * 1103515245 + 12345) % 2147483648) / 2147483648;
}

function marks(seed) {
  const next = random(seed);
  return Array.from({ length: 2 + Math.floor(next() * 14) }, (_, i) => ({
    t: at(Math.floor(next() * 700)), label: "x".repeat(8 + Math.floor(next() * 40)), sub: next() < 0.4 ? "dated 30 Jan" : "",
    range: null, row: i % 2, hollow: false, minor: next() < 0.3,
  }));
}

test("labels of one row never overlap and none leaves the canvas, however many lines there are", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const list = [...place(ruler, marks(seed), X, 700).values()];
    assert.ok(list.length > 0);
    for (const a of list) {
      assert.ok(a.left >= 0 && a.left + a.width <= 700, `seed ${seed}`);
      for (const b of list) {
        if (a === b || a.row !== b.row) continue;
        assert.ok(a.left + a.width <= b.left || b.left + b.width <= a.left, `seed ${seed}`);
      }
    }
  }
});

test("an order keeps its label when deadlines and notices crowd around it", () => {
  const order = { t: at(350), label: "Order 2: 1,178 named", sub: "", range: null, row: 0, hollow: false };
  for (let seed = 1; seed <= 100; seed++) {
    const others = marks(seed).map((m) => ({ ...m, row: 1 }));
    assert.ok(place(ruler, [...others, order], X, 700).has(order), `seed ${seed}`);
  }
});

test("the deadline's label never stands beside another line", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const list = marks(seed);
    const places = place(ruler, list, X, 700);
    for (const [m, { left, width, row }] of places) {
      if (!m.minor) continue;
      for (const o of list) {
        const from = places.get(o)?.row ?? 2;
        // Lines that were placed after it may begin in its row; those that were there before may not be near.
        if (o === m || o.minor || from > row) continue;
        assert.ok(X(o.t) < left - 3 || X(o.t) > left + width + 3, `seed ${seed}`);
      }
    }
  }
});

test("an order with its deadline and a claim become three lines, a disputed date with its range", () => {
  const state = decode(
    snapshot({
      orders: [{ id: 1, title: "Order 1", list: 1, named: 1178, at: at(1), from: at(-24), to: at(24), disputed: true, deadline: at(48), known: at(1) }],
      events: [{ id: 1, kind: "claim", at: at(9), from: null, to: null, text: "all restored", source: "press", known: at(9) }],
    }),
  );
  assert.deepEqual(
    annotations(state).map((m) => [m.label, m.range, m.hollow]),
    [
      ["Order 1: 1,178 named", [at(-24), at(24)], false],
      ["Claim: “all restored”", null, true],
      ["Deadline, Order 1", null, false],
    ],
  );
});
