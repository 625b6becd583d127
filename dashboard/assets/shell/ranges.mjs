// Many numbers in an address: "3,5-9".

const LONGEST = 1_500;

/** "3,5-9" of a set of numbers; empty when it would be too long for an address. @param {Iterable<number>} ids */
export function rangesOf(ids) {
  const sorted = [...ids].sort((a, b) => a - b);
  const parts = [];
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (j + 1 < sorted.length && sorted[j + 1] === sorted[j] + 1) j++;
    parts.push(i === j ? String(sorted[i]) : `${sorted[i]}-${sorted[j]}`);
    i = j + 1;
  }
  const text = parts.join(",");
  return text.length > LONGEST ? "" : text;
}

/** The numbers of such a text. @param {string} text */
export function idsOf(text) {
  /** @type {Set<number>} */
  const ids = new Set();
  for (const part of text.split(",")) {
    const found = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part);
    if (!found) continue;
    const last = Math.min(Number(found[2] ?? found[1]), Number(found[1]) + 50_000);
    for (let id = Number(found[1]); id <= last; id++) ids.add(id);
  }
  return ids;
}
