// Where a figure of the board leads: to the page Accounts with exactly the accounts that it counts, by what is known at
// `now`. The server finds them again by the name, as dashboard/live/figures.py reads it. Pure.

/** @param {number} t */
const iso = (t) => new Date(t).toISOString();

/**
 * @param {string} name @param {number} now
 */
export function behind(name, now) {
  const figure = encodeURIComponent(name).replaceAll("%2F", "/").replaceAll("%3A", ":");
  return `/accounts?figure=${figure}&at=${iso(now)}&whom=all`;
}

/**
 * Which accounts a figure counts: of a list ("all", "changed" or a number), accounts or posts only, with a part of a
 * handle. `from` is the time from which on changes are held.
 * @param {Pick<Choices, "list" | "kind" | "filter">} view @param {number} from
 */
export function scopeOf({ list, kind, filter }, from) {
  return `${list === "changed" ? `changed@${iso(from)}` : list}${kind ? `*${kind}` : ""}${filter ? `~${filter.replaceAll("/", "")}` : ""}`;
}

/** The accounts in some statuses at `t`, as far as they were checked. @param {string} of @param {string} letters @param {number} t */
export const statusFigure = (of, letters, t) => `${of}/status/${letters}/${iso(t)}`;

/** The accounts in some statuses at `t` by their last reading. @param {string} of @param {string} letters @param {number} t */
export const confirmedFigure = (of, letters, t) => `${of}/confirmed/${letters}/${iso(t)}`;

/** The accounts with a provisional change, or not read in time. @param {string} of @param {"provisional" | "late"} what @param {number} t */
export const waitingFigure = (of, what, t) => `${of}/${what}/${iso(t)}`;

/** The accounts of the confirmed changes first seen in a span. @param {string} of @param {"block" | "restoration"} kind @param {Span} span */
export const changesFigure = (of, kind, [from, to]) => `${of}/changes/${kind}/${iso(from)}/${iso(to)}`;
