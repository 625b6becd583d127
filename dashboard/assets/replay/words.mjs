// The words for a moment, and for what differs between as it was and as it was known. Pure.

import { counted, postsIn } from "../board/posts.mjs";
import { count, MONTHS, shortly, stamp, two, zoneName } from "../shell/time.mjs";

/** "1 Feb 2021, 12:30 UTC", whichever zone is chosen; with its seconds where they are shown. @param {number} t @param {boolean} [seconds] */
export function utcWords(t, seconds = t % 60_000 !== 0) {
  const d = new Date(t);
  const time = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${seconds ? `:${two(d.getUTCSeconds())}` : ""}`;
  return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}, ${time} UTC`;
}

/**
 * The same moment in the reader's zone; empty if that is UTC. `zone` is a name such as "Asia/Kolkata".
 * @param {number} t @param {string} zone
 */
export function hereWords(t, zone) {
  const name = formatOf(zone, NAME).formatToParts(t).find((p) => p.type === "timeZoneName")?.value;
  if (name === "UTC") return "";
  const day = formatOf(zone, DAY).format(t);
  return `${day === formatOf("UTC", DAY).format(t) ? "" : `${day}, `}${formatOf(zone, TIME).format(t)} ${name}`;
}

/** @type {Intl.DateTimeFormatOptions[]} */
const [TIME, DAY, NAME] = [{ hour: "2-digit", minute: "2-digit" }, { day: "numeric", month: "short" }, { timeZoneName: "short" }];
/** Kept, because making one takes longer than a picture of the film may. */
const formats = /** @type {Sure<string, Intl.DateTimeFormat>} */ (new Map());

/** @param {string} zone @param {Intl.DateTimeFormatOptions} options */
function formatOf(zone, options) {
  const key = zone + Object.keys(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  return formats.get(key);
}

/** The words for which knowledge is shown; `knew` as in the address. @param {Knew} knew */
export function knewWords(knew) {
  if (knew === null) return "as known now";
  return knew === "then" ? "as known then" : `as known at ${utcWords(knew)}`;
}

/** When it was recorded, short enough to fit beside a lane. @param {number} t @param {number} now */
const laterWords = (t, now) => shortly(t, now).split(",")[0];

/**
 * The word beside the lane of an account whose status differs: "recorded 14:05".
 * @param {Pick<Difference, "recorded" | "why">} of @param {number} now
 */
export function lateWord({ recorded, why }, now) {
  if (recorded === null) return why;
  return `${why === "confirmed later" ? "confirmed" : "recorded"} ${laterWords(recorded, now)}`;
}

/** @type {[why: string, words: (n: string) => string][]} */
const REASONS = [
  ["recorded later", (n) => `${n} had changed by then, but the readings that show the change were recorded`],
  ["confirmed later", (n) => `${n} had changed by then, but the change was still provisional; it was confirmed`],
  ["read later", (n) => `${n} had been read by then, but the readings were recorded`],
];

/**
 * How many accounts differ and why, in two or more sentences; null where none does.
 * @param {Pick<Difference, "account" | "recorded" | "why">[]} differing
 */
export function differenceWords(differing) {
  if (!differing.length) return null;
  const n = differing.length;
  const posts = postsIn(differing.map((d) => d.account));
  const head = `${counted(n, posts)} ${n === 1 ? "differs" : "differ"}.`;
  const reasons = REASONS.flatMap(([why, words]) => {
    const of = differing.filter((d) => d.why === why);
    if (!of.length) return [];
    const times = of.flatMap((d) => d.recorded ?? []);
    return `${words(of.length === n ? (n === 1 ? "It" : "They") : count(of.length))} ${when(times)}.`;
  });
  return { head, reasons: reasons.join(" ") };
}

/** @param {number[]} times */
function when(times) {
  if (!times.length) return "later";
  const [first, last] = [Math.min(...times), Math.max(...times)];
  if (stamp(first) === stamp(last)) return `only on ${stamp(first)} ${zoneName(first)}`;
  return `only from ${stamp(first)} to ${stamp(last)} ${zoneName(last)}`;
}
