import assert from "node:assert/strict";
import { test } from "node:test";

import { choicesOf, momentIn, momentWords, searchOf } from "../../dashboard/assets/replay/address.mjs";
import { advanced, otherSpeed, SPEEDS, speedWords, stepOf, stepped, usualSpeed } from "../../dashboard/assets/replay/clock.mjs";
import { actionOf } from "../../dashboard/assets/replay/keys.mjs";
import { DAY, HOUR, MINUTE } from "../../dashboard/assets/shell/time.mjs";

const at = (text) => Date.parse(`${text}Z`);
const NOON = at("2021-02-01T12:30");
const usual = { at: null, knew: null, range: null, list: "all", loop: false, fit: true, pinned: null };

for (const [more, name] of [
  [{ at: NOON }, "a moment by what is known now"],
  [{ at: NOON, knew: "then" }, "a moment by what was known then"],
  [{ at: NOON, knew: NOON + DAY }, "a moment by what was known at another"],
  [{ at: NOON + 1_500 }, "a moment between two seconds"],
  [{ at: NOON, range: [NOON - HOUR, NOON + HOUR], loop: true, list: "3", fit: false }, "a range that loops, and a list"],
  [{ at: NOON, pinned: { at: NOON - DAY, knew: null } }, "a pinned moment"],
  [{ at: NOON, knew: "then", pinned: { at: NOON, knew: null } }, "one moment, as it was and as it was known"],
  [{}, "nothing"],
]) {
  test(`an address brings back ${name}`, () => assert.deepEqual(choicesOf(searchOf({ ...usual, ...more })), { ...usual, ...more }));
}

test("what an address says wrongly is as if it said nothing", () => {
  assert.deepEqual(choicesOf("?at=soon&as_known_at=&from=2021-02-02&to=2021-02-01&list=<b>&with=x"), usual);
});

test("a time is written as short as it can be, and one without a zone is of UTC", () => {
  assert.equal(momentWords(NOON), "2021-02-01T12:30Z");
  assert.equal(momentWords(NOON + 5_000), "2021-02-01T12:30:05Z");
  assert.deepEqual(["2021-02-01T12:30", "2021-02-01 12:30", "2021-02-01T18:00+05:30"].map(momentIn), [NOON, NOON, NOON]);
  assert.equal(momentIn("2021-02-01"), at("2021-02-01T00:00"));
});

const play = { t: NOON, range: [NOON - HOUR, NOON + HOUR], speed: 60, loop: false };

test("the film runs by the time that went by, times its speed", () => {
  assert.deepEqual(advanced(play, 1_000), { t: NOON + MINUTE, playing: true });
  assert.deepEqual(advanced({ ...play, speed: 10_000 }, 100), { t: NOON + 1_000_000, playing: true });
});

test("at its end it stops, or begins anew where it loops", () => {
  assert.deepEqual(advanced(play, 3_600_000), { t: NOON + HOUR, playing: false });
  assert.deepEqual(advanced({ ...play, loop: true }, 61 * 60_000), { t: NOON - HOUR, playing: true });
  assert.deepEqual(advanced({ ...play, loop: true, range: [NOON, NOON] }, 10), { t: NOON, playing: false });
});

test("who wants less motion goes from event to event", () => {
  const events = [NOON - 5, NOON + 7, NOON + 2 * HOUR];
  const next = (t) => events.find((e) => e > t) ?? null;
  assert.deepEqual(stepped(play, next), { t: NOON + 7, playing: true });
  assert.deepEqual(stepped({ ...play, t: NOON + 7 }, next), { t: NOON + HOUR, playing: false });
  assert.deepEqual(stepped({ ...play, t: NOON + 7, loop: true }, next), { t: NOON - HOUR, playing: true });
});

test("a range is played in about a minute, and an arrow goes about a hundredth of it", () => {
  assert.equal(usualSpeed([0, HOUR]), 60);
  assert.equal(usualSpeed([0, 365 * DAY]), 604_800);
  assert.equal(stepOf([0, 30 * HOUR]), 15 * MINUTE);
  assert.equal(stepOf([0, 365 * DAY], true), 10 * DAY);
  assert.equal(stepOf([0, 10]), 1_000);
});

test("speeds are named by factor and by what passes in a second", () => {
  assert.deepEqual(SPEEDS.map(speedWords), [
    "1×", "10×", "60×, 1 min a second", "600×, 10 min a second", "3,600×, 1 h a second", "10,000×, 2 h 47 min a second",
    "86,400×, 1 d a second", "604,800×, 7 d a second", "2,592,000×, 30 d a second",
  ]);
  assert.equal(otherSpeed(1, -1), 1);
  assert.equal(otherSpeed(10, 1), 60);
});

test("keys: everywhere to play, step and go to the next event; letters and the ends only within the film", () => {
  assert.deepEqual(actionOf({ key: " " }, "page"), { do: "play" });
  assert.deepEqual(actionOf({ key: "]" }, "page"), { do: "event", by: 1 });
  assert.deepEqual(actionOf({ key: "ArrowLeft", shiftKey: true }, "page"), { do: "step", by: -1, larger: true });
  assert.equal(actionOf({ key: "End" }, "page"), null);
  assert.equal(actionOf({ key: "l" }, "page"), null);
  assert.deepEqual(actionOf({ key: "End" }, "film"), { do: "end", by: 1 });
  assert.equal(actionOf({ key: "ArrowUp" }, "film"), null);
  assert.deepEqual(actionOf({ key: "PageUp" }, "strip"), { do: "step", by: 1, larger: true });
  assert.equal(actionOf({ key: "l", ctrlKey: true }, "film"), null);
});
