// How old is the newest word of the server? By the server's own clock: a message that lay somewhere is late.

/** Messages whose way is remembered: the quickest of them is taken for no way at all. */
const KEPT = 60;
/** A word may overtake another by so much; further back it is of another server, whose clock is its own. */
const OVERTAKEN_MS = 60_000;

/** @returns {Pulse} */
export const newPulse = () => ({ beat: null, ways: [] });

/**
 * A message came at `now` by this clock, and was written at `beat` by the server's. Both in milliseconds.
 * @param {Pulse} pulse @param {number | undefined} beat @param {number} now
 */
export function heard(pulse, beat, now) {
  if (beat === undefined) return;
  if (pulse.beat !== null && beat < pulse.beat) {
    if (pulse.beat - beat < OVERTAKEN_MS) return;
    pulse.ways = [];
  }
  pulse.beat = beat;
  pulse.ways.push(now - beat);
  if (pulse.ways.length > KEPT) pulse.ways.shift();
}

/**
 * Milliseconds since the newest message was written; Infinity before the first. The two clocks need not agree.
 * @param {Pulse} pulse @param {number} now
 */
export const age = (pulse, now) => (pulse.beat === null ? Infinity : Math.max(0, now - pulse.beat - Math.min(...pulse.ways)));

/** What the pill says: its state, its word and its figure. @param {number} silent @param {string | null} lost */
export function pillWords(silent, lost) {
  if (lost) return ["lost", "Disconnected", ""];
  if (silent === Infinity) return ["connecting", "Connecting", ""];
  if (silent > 60_000) return ["lost", "Disconnected", span(silent)];
  return silent > 5_000 ? ["delayed", "Delayed", span(silent)] : ["live", "Connected", span(silent)];
}

/** @param {number} ms */
function span(ms) {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
