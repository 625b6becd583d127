// The page Labels of a country is drawn again when a label was stored: at once after a quiet while, and the more
// seldom the faster they come. While something is chosen on it, it says that there is news and stays as it is.

/** The shortest and the longest time between two drawings. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 8_000;

/** @returns {Pacing} */
export const newPacing = () => ({ drawn: Number.NEGATIVE_INFINITY, pause: 0 });

/**
 * Milliseconds until the page is to be drawn with news that came at `now`.
 * @param {Pacing} pacing @param {number} now
 */
export const drawIn = ({ drawn, pause }, now) => Math.max(0, drawn + pause - now);

/**
 * It was drawn at `now`: the pause after it doubles as long as one drawing follows the other.
 * @param {Pacing} pacing @param {number} now
 */
export function noteDrawn(pacing, now) {
  const isQuiet = now - pacing.drawn > 2 * pacing.pause;
  pacing.pause = isQuiet ? SHORTEST_MS : Math.min(LONGEST_MS, 2 * pacing.pause);
  pacing.drawn = now;
}

/** The country of the page Labels with this path; null for any other page. @param {string} path */
export const labeledCountry = (path) => /^\/countries\/([A-Z]{2})\/labels\/?$/.exec(path)?.[1] ?? null;

/**
 * Call `ask` when the page that is shown has news.
 * @param {HTMLElement} root @param {() => void} ask
 */
export function connectLabels(root, ask) {
  const pacing = newPacing();
  let waiting = 0;
  /** The last event that a message told of. @type {number | null} */
  let last = null;
  /** The address with news that is not drawn yet. */
  let stale = "";
  const here = () => location.pathname + location.search;
  const mark = () => {
    if (stale === here()) document.documentElement.dataset.labelNews = "";
    else delete document.documentElement.dataset.labelNews;
  };
  const draw = () => {
    waiting = 0;
    if (stale !== here()) stale = "";
    if (stale && !document.hidden && !root.querySelector(".labels input:checked")) {
      stale = "";
      noteDrawn(pacing, Date.now());
      ask();
    }
    mark();
  };
  const soon = () => {
    if (stale && !waiting) waiting = setTimeout(draw, drawIn(pacing, Date.now()));
  };
  root.addEventListener("change", soon);
  root.addEventListener("click", (event) => {
    if (!(/** @type {HTMLElement} */ (event.target).closest("#label-news"))) return;
    event.preventDefault();
    stale = "";
    mark();
    ask();
  });
  document.addEventListener("visibilitychange", soon);
  return {
    /** A message of the server. @param {Pick<Delta, "since" | "id" | "labels" | "reload">} message */
    hear(message) {
      // The ids say that a message was lost. It may have been about a label.
      const isLost = last !== null && message.since !== undefined && message.since > last;
      if (message.id !== undefined) last = message.id;
      mark();
      const country = labeledCountry(location.pathname);
      if (country === null || !(isLost || message.reload || message.labels?.includes(country))) return;
      stale = here();
      soon();
    },
  };
}
