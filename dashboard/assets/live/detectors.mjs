// Whether the detectors work, in a few words: the sign beside the headline, which leads to the health page.

import { clock, dayStart, stamp, zoneName } from "./time.mjs";

const WORD = { stopped: "stopped", held: "held", silent: "silent", never: "never read" };

/** "Detectors ok", or the worst of those that give nothing: "held since 14:05 UTC (X)". */
export function detectorWords(detectors, now) {
  if (!detectors.n) return "no detector yet";
  const [worst] = detectors.worst;
  if (!worst) return "detectors ok";
  const t = worst.since;
  const since = t === null ? "" : ` since ${dayStart(t) === dayStart(now) ? clock(t) : stamp(t)} ${zoneName(t)}`;
  const more = detectors.bad > 1 ? `, ${detectors.bad - 1} more` : "";
  return `${WORD[worst.state]}${since} (${worst.name})${more}`;
}

export function renderDetectors(state) {
  const link = document.getElementById("detectors");
  const words = detectorWords(state.detectors, state.now);
  const kind = state.detectors.bad || !state.detectors.n ? "bad" : "ok";
  if (link.dataset.state !== kind) link.dataset.state = kind;
  if (link.lastElementChild.textContent !== words) link.lastElementChild.textContent = words;
}
