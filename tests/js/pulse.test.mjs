import assert from "node:assert/strict";
import { test } from "node:test";
import { age, heard, newPulse, pillWords } from "../../dashboard/assets/shell/pulse.mjs";

/** The browser's clock is this far ahead of the server's. */
const AHEAD = 1_700_000_000_000;

test("the age of the newest word is counted by the server's clock, however far the two are apart", () => {
  const pulse = newPulse();
  for (let second = 0; second < 10; second += 1) heard(pulse, second * 1000, AHEAD + second * 1000 + 20);
  assert.equal(age(pulse, AHEAD + 9000 + 20), 0);
  assert.equal(age(pulse, AHEAD + 12_000 + 20), 3000);
});

test("a message that lay somewhere is as late as it is, although it came just now", () => {
  const pulse = newPulse();
  heard(pulse, 1000, AHEAD + 1000);
  heard(pulse, 2000, AHEAD + 32_000);
  assert.equal(age(pulse, AHEAD + 32_000), 30_000);
});

test("messages that come by another way may be overtaken without harm", () => {
  const pulse = newPulse();
  heard(pulse, 5000, AHEAD + 5000);
  heard(pulse, 4000, AHEAD + 5100);
  assert.equal(age(pulse, AHEAD + 5100), 100);
});

test("a server whose clock is another, as after a restart of its machine, is counted by its own", () => {
  const pulse = newPulse();
  heard(pulse, 90_000_000, AHEAD);
  heard(pulse, 1000, AHEAD + 5000);
  assert.equal(age(pulse, AHEAD + 6000), 1000);
});

test("a way that became longer for good is forgotten after a minute of messages", () => {
  const pulse = newPulse();
  heard(pulse, 0, AHEAD);
  for (let second = 1; second <= 60; second += 1) heard(pulse, second * 1000, AHEAD + second * 1000 + 700);
  assert.equal(age(pulse, AHEAD + 60_700), 0);
});

test("the pill says connected, delayed, disconnected, and nothing of a time before the first word", () => {
  assert.deepEqual(pillWords(Infinity, null), ["connecting", "Connecting", ""]);
  assert.deepEqual(pillWords(1200, null), ["live", "Connected", "1 s"]);
  assert.deepEqual(pillWords(12_000, null), ["delayed", "Delayed", "12 s"]);
  assert.deepEqual(pillWords(61_000, null), ["lost", "Disconnected", "61 s"]);
  assert.deepEqual(pillWords(600_000, null), ["lost", "Disconnected", "10 min"]);
  assert.deepEqual(pillWords(36_000_000, null), ["lost", "Disconnected", "10 h"]);
  assert.deepEqual(pillWords(0, "The monitor does not answer."), ["lost", "Disconnected", ""]);
});
