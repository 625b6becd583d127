// What the keys do in the film. Pure.

/**
 * {do, by} of a key, or null. `where`: the key was pressed on the "strip", elsewhere in the "film", or with nothing chosen on the
 * "page", where single letters and the keys that scroll it are left alone.
 * @param {{ key: string, shiftKey?: boolean, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean }} of @param {"strip" | "film" | "page"} where @returns {Action | null}
 */
export function actionOf({ key, shiftKey = false, ctrlKey = false, metaKey = false, altKey = false }, where) {
  if (ctrlKey || metaKey || altKey) return null;
  const side = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (side) return { do: "step", by: side, larger: shiftKey };
  if (key === " ") return { do: "play" };
  if (key === "[" || key === "]") return { do: "event", by: key === "[" ? -1 : 1 };
  if (where === "page") return null;
  if (where === "strip") {
    const up = { ArrowDown: -1, ArrowUp: 1, PageDown: -1, PageUp: 1 }[key];
    if (up) return { do: "step", by: up, larger: shiftKey || key.startsWith("Page") };
  }
  /** @type {Record<string, Action>} */
  const named = {
    Home: { do: "end", by: -1 }, End: { do: "end", by: 1 }, "-": { do: "speed", by: -1 }, "+": { do: "speed", by: 1 },
    l: { do: "loop" }, k: { do: "view" }, i: { do: "from" }, o: { do: "to" }, p: { do: "pin" },
  };
  return named[key] ?? null;
}
