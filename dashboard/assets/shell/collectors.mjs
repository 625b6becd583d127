// Whether the platforms are read, in the header of every page; and how many issues are open, beside Health.

import { $, find, say } from "./dom.mjs";
import { duration } from "./time.mjs";

/** The newest that was heard, and when by the server's clock. @type {{ collectors: Detectors, at: number } | null} */
let known = null;

/** "Platforms read", or the worst of those that are not: "X: no answer for 12 min, connection failed". @param {Detectors} collectors @param {number} now */
export function collectorWords(collectors, now) {
  if (!collectors.n) return "No platform read yet";
  const [worst] = collectors.worst;
  if (!worst) return collectors.n === 1 ? "1 collector reads" : `${collectors.n} collectors read`;
  const more = collectors.bad > 1 ? `; ${collectors.bad - 1} more not reading` : "";
  return `${worst.name}: ${why(worst, now)}${more}`;
}

/** @param {Detectors["worst"][0]} worst @param {number} now */
function why(worst, now) {
  const { state, since, answered } = worst;
  if (state === "never") return "not asked yet";
  if (state === "held") return since === null ? "answers quarantined" : `answers quarantined for ${duration(now - since)}`;
  const silent = answered === null ? "no answer yet" : `no answer for ${duration(now - answered)}`;
  return worst.why ? `${silent}, ${worst.why}` : silent;
}

/** The number beside Health and what it counts; null when there is none. @param {Detectors} collectors @returns {[number, string] | null} */
export function issueWords(collectors) {
  const { issues, bad } = collectors;
  if (issues) return [issues, issues === 1 ? "1 open issue" : `${issues} open issues`];
  return bad ? [bad, bad === 1 ? "1 collector does not read" : `${bad} collectors do not read`] : null;
}

/** @param {Detectors} collectors @param {number} at */
export function hearCollectors(collectors, at) {
  known = { collectors, at };
}

/** Nothing is shown of what is not known: before the first word, and while the connection is lost. @param {number | null} silent milliseconds since the newest word */
export function showCollectors(silent) {
  const place = $("detectors");
  const badge = document.getElementById("issues");
  if (!known || silent === null) {
    delete place.dataset.state;
    if (badge) badge.hidden = true;
    return;
  }
  const { collectors } = known;
  const kind = collectors.bad || !collectors.n ? "bad" : "ok";
  if (place.dataset.state !== kind) place.dataset.state = kind;
  const words = collectorWords(collectors, known.at + silent);
  say(find(place, "span"), words);
  if (place.title !== words) place.title = words;
  if (!badge) return;
  const found = issueWords(collectors);
  badge.hidden = found === null;
  if (!found) return;
  say(badge, found[0] > 99 ? "99+" : String(found[0]));
  if (badge.title !== found[1]) badge.title = found[1];
}
