// What of the film stands in its address: the moment, by what is known, the range, the list, the pinned moment. Pure.

const UTC_DAY = /^\d{4}-\d{2}-\d{2}$/;
const WITH_ZONE = /(?:[zZ]|[+-]\d{2}:?\d{2})$/;

/** A time that somebody wrote, in UTC unless it says otherwise; null when it is none. @param {string | null} words */
export function momentIn(words) {
  const text = (words ?? "").trim().replace(" ", "T");
  if (!text) return null;
  const t = Date.parse(UTC_DAY.test(text) || WITH_ZONE.test(text) ? text : `${text}Z`);
  return Number.isFinite(t) ? t : null;
}

/** The shortest words in UTC that `momentIn`, and the server, read as this very time. @param {number} t */
export function momentWords(t) {
  const words = new Date(Math.ceil(t)).toISOString();
  if (!words.endsWith(".000Z")) return words;
  return words.endsWith(":00.000Z") ? `${words.slice(0, -8)}Z` : words.replace(".000Z", "Z");
}

/**
 * `knew` says what is known: null = all that is known now; "then" = what had been recorded by the moment itself; a time =
 * what had been recorded by that time.
 * @param {number | null} at @param {number | null} asKnownAt @returns {Knew}
 */
function knewOf(at, asKnownAt) {
  if (asKnownAt === null) return null;
  return asKnownAt === at ? "then" : asKnownAt;
}

/**
 * The choices that an address (its part from the question mark on) stands for: null and "all" where it says nothing.
 * @param {string} search @returns {ReplayChoices}
 */
export function choicesOf(search) {
  const asked = new URLSearchParams(search);
  /** @param {string} name */
  const time = (name) => momentIn(asked.get(name));
  const [at, from, to, pinned] = ["at", "from", "to", "with"].map(time);
  const list = asked.get("list") ?? "";
  return {
    at,
    knew: knewOf(at, time("as_known_at")),
    range: from !== null && to !== null && to > from ? [from, to] : null,
    list: /^\d{1,15}$/.test(list) ? list : "all",
    loop: asked.get("loop") === "yes",
    fit: asked.get("lanes") !== "each",
    pinned: pinned === null ? null : { at: pinned, knew: knewOf(pinned, time("with_known_at")) },
  };
}

/** The address of these choices, from the question mark on. @param {ReplayChoices} of */
export function searchOf({ at, knew, range, list, loop, fit, pinned }) {
  const out = new URLSearchParams();
  /** @param {string} name @param {number | null} t */
  const say = (name, t) => t !== null && out.set(name, momentWords(t));
  say("at", at);
  say("as_known_at", knew === "then" ? at : knew);
  if (range) {
    say("from", range[0]);
    say("to", range[1]);
  }
  if (list !== "all") out.set("list", list);
  if (loop) out.set("loop", "yes");
  if (!fit) out.set("lanes", "each");
  if (pinned) {
    say("with", pinned.at);
    say("with_known_at", pinned.knew === "then" ? pinned.at : pinned.knew);
  }
  const search = out.toString().replaceAll("%3A", ":");
  return search && `?${search}`;
}
