import assert from "node:assert/strict";
import { test } from "node:test";

import { between, count, dayStart, duration, percent, setZone, stamp, ticks, zoneName } from "../../dashboard/assets/shell/time.mjs";
import { at, HOUR, T0 } from "./world.mjs";

const rows = (cases, f) => cases.forEach(([name, input, expected]) => test(name, () => assert.equal(f(...input), expected)));

rows(
  [
    ["an interval of one day names the day once", [at(0), at(0.25)], "1 Feb, between 12:00 and 12:15 UTC"],
    ["an interval over midnight names both days", [at(-13), at(0)], "between 31 Jan, 23:00 and 1 Feb, 12:00 UTC"],
    ["an interval inside one minute names the seconds", [T0, T0 + 20_000], "1 Feb, between 12:00:00 and 12:00:20 UTC"],
    ["nothing contrary was ever seen", [null, at(0)], "on or before 1 Feb, 12:00 UTC"],
  ],
  between,
);
rows(
  [
    ["seconds", [20_000], "20 s"],
    ["minutes", [15 * 60_000], "15 min"],
    ["hours and minutes", [8.5 * HOUR], "8 h 30 min"],
    ["whole hours", [3 * HOUR], "3 h"],
    ["days and hours", [60 * HOUR], "2 d 12 h"],
  ],
  duration,
);
rows(
  [
    ["one of many is never rounded to nothing", [1, 1435], "<0.1 %"],
    ["all but one is never rounded to all", [1434, 1435], ">99.9 %"],
    ["nothing is zero", [0, 10], "0 %"],
    ["of nobody there is no share", [0, 0], "–"],
    ["half", [5, 10], "50 %"],
  ],
  percent,
);

test("thousands are grouped", () => assert.equal(count(1234567), "1,234,567"));

test("ticks are whole steps of the zone, inside the window, and far enough apart", () => {
  for (const hours of [1, 24, 24 * 14, 24 * 400]) {
    const list = ticks([at(0), at(hours)], 800);
    assert.ok(list.length >= 2 && list.length <= 14, `${hours} h: ${list.length}`);
    for (const { t } of list) assert.ok(t >= at(0) && t < at(hours));
  }
});

test("the local zone shifts times, days and the name together", () => {
  process.env.TZ = "Asia/Kolkata";
  setZone("local");
  try {
    assert.equal(stamp(at(10)), "2 Feb, 03:30");
    assert.equal(zoneName(at(10)), "UTC+5:30");
    assert.equal(dayStart(at(10)), Date.UTC(2021, 1, 1, 18, 30));
  } finally {
    setZone("utc");
  }
});
