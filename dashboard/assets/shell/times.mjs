// The moments in the server's pages, shown in the zone that the reader chose. The server writes them in UTC as
// <time datetime=...>. An interval has its beginning in data-from; data-as is "day" or "clock" if only the day or
// the time of day is shown.

import { all } from "./dom.mjs";
import { clock, dayYear, offset, seconds, zoneName } from "./time.mjs";

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * What a moment is called in the chosen zone: `at` and `from` as in the element, `as` is "day", "clock" or nothing.
 * @param {{ at: string, from?: string, as?: string }} of
 */
export function momentWords({ at, from, as }) {
  const end = Date.parse(at);
  const zone = zoneName(end);
  if (DATE.test(at)) {
    // A day of UTC, of which no moment is known: in another zone it is no day at all.
    return zone === "UTC" ? dayYear(end) : `${dayYear(end - offset(end))} UTC`;
  }
  if (as === "day") return dayYear(end);
  if (as === "clock") return `${clock(end)} ${zone}`;
  /** @param {number} t @param {string} iso */
  const time = (t, iso) => (iso.length > "2021-02-01T12:00Z".length ? seconds(t) : clock(t));
  if (!from) return `${dayYear(end)}, ${time(end, at)} ${zone}`;
  const begin = Date.parse(from);
  if (dayYear(begin) === dayYear(end)) return `${dayYear(end)}, between ${time(begin, from)} and ${time(end, at)} ${zone}`;
  return `between ${dayYear(begin)}, ${time(begin, from)} and ${dayYear(end)}, ${time(end, at)} ${zone}`;
}

/** What the server wrote, by element: it holds as long as the moment is the same. @type {WeakMap<Element, { key: string, utc: string }>} */
const written = new WeakMap();

/**
 * Write one element in the chosen zone, with UTC in its title; or as the server wrote it.
 * @param {HTMLElement} element @param {boolean} local
 */
export function showTime(element, local) {
  const moment = { at: element.getAttribute("datetime") ?? "", from: element.dataset.from, as: element.dataset.as };
  const key = `${moment.at} ${moment.from}`;
  const known = written.get(element);
  const utc = known?.key === key ? known.utc : element.textContent;
  written.set(element, { key, utc });
  const text = local ? momentWords(moment) : utc;
  if (element.textContent !== text) element.textContent = text;
  if (local) element.title = utc.endsWith("UTC") ? utc : `${utc} UTC`;
  else element.removeAttribute("title");
}

/** Keep every moment below `root` in the zone of the document, through new pages and switches. @param {HTMLElement} root */
export function connectTimes(root) {
  const zone = document.documentElement;
  const showAll = () => {
    const local = zone.dataset.zone === "local";
    for (const element of all(root, "time[datetime]")) showTime(element, local);
    watch.takeRecords(); // what was written here is no news
  };
  const watch = new MutationObserver(showAll);
  watch.observe(root, { childList: true, subtree: true, characterData: true, attributeFilter: ["datetime", "data-from"] });
  new MutationObserver(showAll).observe(zone, { attributeFilter: ["data-zone"] });
  showAll();
}
