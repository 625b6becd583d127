import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { placesShown } from "../../dashboard/assets/replay/order.mjs";
import { adopt, begin, choose, chooseList, differing, eventAfter, go, pinned, range, shown, stage, step, whole } from "../../dashboard/assets/replay/stage.mjs";
import { MINUTE } from "../../dashboard/assets/shell/time.mjs";
import { filmed } from "./film-world.mjs";
import { at } from "./world.mjs";

/** An answer of the server with nothing in columns. */
function answer(body) {
  const text = new TextEncoder().encode(JSON.stringify({ ...body, tables: {}, size: 0 }));
  const out = new Uint8Array(4 + text.length);
  new DataView(out.buffer).setUint32(0, text.length, true);
  out.set(text, 4);
  return out.buffer;
}

beforeEach(() => {
  begin(answer(filmed()));
  adopt("");
});

test("a film begins with its last moment and all of it", () => {
  assert.deepEqual([stage.t, range(), shown().now], [at(20), [at(0), at(20)], at(20)]);
});

test("an address is taken at its word, within the film", () => {
  adopt("?at=2021-02-01T15:00Z&as_known_at=2021-02-01T15:00Z&from=2021-01-01&to=2021-02-01T16:00Z&list=1&with=2021-02-01T13:00Z");
  assert.deepEqual([stage.t, stage.knew, range(), stage.list], [at(3), "then", [at(0), at(4)], "1"]);
  assert.deepEqual([shown().knownAt, pinned().now, pinned().knownAt], [at(3), at(1), null]);
  adopt("?at=2099-01-01&list=77&from=2099-01-01&to=2099-01-02");
  assert.deepEqual([stage.t, stage.list, range()], [at(20), "all", whole()]);
});

test("what was and what was known are told of the same moment, in either view", () => {
  go(at(10.5));
  assert.equal(differing().length, 2);
  stage.knew = "then";
  go(at(10.5));
  assert.deepEqual([stage.was.knownAt, stage.then.knownAt, differing().length], [null, at(10.5), 2]);
});

test("a chosen range holds the moment, and the events that are gone to", () => {
  choose([at(1), at(4)]);
  assert.equal(stage.t, at(4));
  assert.equal(eventAfter(at(4), 1), null);
  assert.equal(eventAfter(at(2), -1), at(1));
  go(at(1));
  step(1, false);
  assert.equal(stage.t, at(1) + MINUTE);
  choose([at(1), at(1) + 5]);
  assert.deepEqual(range(), whole());
});

test("a list has a film of its own, and what is chosen stays", () => {
  go(at(3));
  chooseList("1");
  assert.deepEqual([stage.t, shown().counts.n, stage.film.accounts.length], [at(3), 2, 3]);
  chooseList("all");
  assert.equal(shown().counts.n, 3);
});

test("lanes keep their places while the film plays", () => {
  const handles = (differs = new Map()) => placesShown(differs).map((i) => stage.film.accounts[i].handle);
  assert.deepEqual(handles(), ["ada", "bob", "cy", "dee"]);
  go(at(1));
  assert.deepEqual(handles(), ["ada", "bob", "cy", "dee"]);
  stage.range = [at(8), at(20)];
  assert.deepEqual(handles(), ["bob", "ada", "cy", "dee"]);
  stage.sort = "most";
  stage.range = null;
  assert.deepEqual(handles(), ["ada", "bob", "cy", "dee"]);
  stage.sort = "differ";
  assert.deepEqual(handles(new Map([[2, {}]])), ["cy", "ada", "bob", "dee"]);
  stage.sort = "first";
});

test("an arrow goes a nice part of the range", () => {
  go(at(10));
  step(-1, true);
  assert.equal(stage.t, at(10) - 50 * MINUTE);
});
