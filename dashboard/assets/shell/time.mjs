// Words for times. Everything else in the page goes through these, so that one switch changes the zone.

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

let local = false;

/** @param {string | undefined} name */
export function setZone(name) {
  local = name === "local";
}

/** Milliseconds that the chosen zone is ahead of UTC at `t`. @param {number} t */
export function offset(t) {
  return local ? -new Date(t).getTimezoneOffset() * MINUTE : 0;
}

/** "UTC", or "UTC+5:30" for the browser's own zone. @param {number} t */
export function zoneName(t) {
  const minutes = Math.round(offset(t) / MINUTE);
  if (!local || minutes === 0) return "UTC";
  const m = Math.abs(minutes);
  const rest = m % 60 ? `:${two(m % 60)}` : "";
  return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(m / 60)}${rest}`;
}

/** @param {number} n */
export const two = (n) => String(n).padStart(2, "0");
/** @param {number} t */
const shifted = (t) => new Date(t + offset(t));

/** @param {number} t */
export const clock = (t) => `${two(shifted(t).getUTCHours())}:${two(shifted(t).getUTCMinutes())}`;
/** @param {number} t */
export const day = (t) => `${shifted(t).getUTCDate()} ${MONTHS[shifted(t).getUTCMonth()]}`;
/** @param {number} t */
export const dayYear = (t) => `${day(t)} ${shifted(t).getUTCFullYear()}`;
/** @param {number} t */
export const stamp = (t) => `${day(t)}, ${clock(t)}`;
/** @param {number} t */
export const full = (t) => `${dayYear(t)}, ${clock(t)} ${zoneName(t)}`;

/** The time of day of `t`, with its day where that is not the day of `now`. @param {number} t @param {number} now */
export const shortly = (t, now) => (dayStart(t) === dayStart(now) ? clock(t) : stamp(t));

/** Start of the calendar day of `t` in the chosen zone. @param {number} t */
export function dayStart(t) {
  const o = offset(t);
  return Math.floor((t + o) / DAY) * DAY - o;
}

/**
 * The interval a change lies in, in words; `a` is null when nothing contrary was ever seen.
 * @param {number | null} a @param {number} b @param {boolean} [withDay]
 */
export function between(a, b, withDay = true) {
  const zone = zoneName(b);
  if (a === null) return `on or before ${withDay ? stamp(b) : clock(b)} ${zone}`;
  if (clock(a) === clock(b) && b - a < MINUTE) {
    return `${withDay ? `${day(b)}, ` : ""}between ${seconds(a)} and ${seconds(b)} ${zone}`;
  }
  if (day(a) === day(b)) return `${withDay ? `${day(b)}, ` : ""}between ${clock(a)} and ${clock(b)} ${zone}`;
  return `between ${stamp(a)} and ${stamp(b)} ${zone}`;
}

/** @param {number} t */
export const seconds = (t) => `${clock(t)}:${two(shifted(t).getUTCSeconds())}`;

/** A length of time, two units at most: "8 h 30 min". @param {number} ms */
export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 90) return `${s} s`;
  const m = Math.round(s / 60);
  if (m < 60) return `${m} min`;
  const h = Math.floor(m / 60);
  if (h < 48) return `${h} h${m % 60 ? ` ${m % 60} min` : ""}`;
  const d = Math.floor(h / 24);
  return `${d} d${h % 24 ? ` ${h % 24} h` : ""}`;
}

/** @param {number} n */
export const count = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** A share with its sense kept: a single account is never rounded to nothing. @param {number} part @param {number} whole */
export function percent(part, whole) {
  if (!whole) return "–";
  if (part === 0) return "0 %";
  const v = (100 * part) / whole;
  if (v < 0.1) return "<0.1 %";
  if (part < whole && v > 99.9) return ">99.9 %";
  return `${v < 10 || v > 99 ? v.toFixed(1) : Math.round(v)} %`.replace(".0 ", " ");
}

const STEPS = [
  MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
  DAY, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY, 120 * DAY, 365 * DAY,
];

/** Axis ticks of a window: whole steps of the chosen zone, about one every 62 px. @param {Span} of @param {number} width */
export function ticks([from, to], width) {
  const step = STEPS.find((s) => s >= ((to - from) / Math.max(width, 1)) * 62) ?? 730 * DAY;
  const o = offset(from);
  const out = [];
  for (let t = Math.ceil((from + o) / step) * step - o; t < to; t += step) {
    const midnight = clock(t) === "00:00";
    out.push({ t, label: midnight ? day(t) : clock(t), major: midnight });
  }
  return out;
}
