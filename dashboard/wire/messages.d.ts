// What the server sends to the browser's scripts, as compact_json.py, context_json.py, film_json.py and table_columns.py
// write it. Times are milliseconds since 1970.

/** How a status is drawn; "U" is not checked. */
type Letter = "A" | "P" | "W" | "S" | "G" | "D" | "N" | "U";
/** The key of an installed platform. */
type Platform = string;
/** `letters` are of the statuses that accounts there can have; `own` is what the platform's own words call some of them. */
interface PlatformWords { name: string; letters: Letter[]; own: Partial<Record<Letter, string>> }
type Kind = "block" | "restoration" | "partial" | "rename" | "protection" | "baseline" | (string & {});
type Outcome = "confirmed" | "not_confirmed" | null;
/** Nothing was read between the two; null: up to now. */
type Gap = [number, number | null];
/** A table comes by column. Numbers of which none is missing come as a typed array, which is not written to either. */
type Column<T> = T[];
type Table<Row> = { [Name in keyof Row]: Column<Row[Name]> };
/** A number of the words (or sets of countries) that come with the message. */
type Place = number;

/** `posts`: how many of its `size` are posts. */
interface List { id: number; name: string; size: number; posts: number; archived?: boolean }
interface Order {
  id: number; title: string; reference: string; issuer: string; country: string; basis: string; named: number; list: number;
  at: number; from: number | null; to: number | null; disputed: boolean; deadline: number | null; known: number;
}
/**
 * `causes` are the surest first: their words, and from when until when they stood (null: they do). `changes` and `accounts`
 * are their places, by the number of a change or an account. `none`: nobody says anything.
 */
interface LaneCauses {
  words: string[]; none: string; causes: [words: Place, known: number, until: number | null][];
  changes: Record<number, number[]>; accounts: Record<number, number[]>;
}
interface Paper { id: number; order: number | null; kind: string; at: number; from: number | null; to: number | null; text: string; source: string; known: number }
interface Access { what: string; where: string; state: string; at: number | null; why: string }
interface Executive { id: number; name: string; title: string; access: Access[] }
interface Signal { id: number; executive: number; kind: string; t: number }
interface Mail { id: number; subject: string; state: string; n: number; t: number; changes?: number[] }
/** How many posts are in each figure. */
interface PostKpis { watched: number; blocked: number; new_blocks: number; restored: number; provisional: number; unread: number }
interface Kpis {
  watched: number; withheld: number; withheld_by: [string, number][]; suspended: number; new_blocks: number; new_blocks_hour: number;
  restored: number; last_restored: number | null; provisional: number; orders: number; orders_overdue: number; unread: number; blocked_unread: number; posts: PostKpis;
  /** Not of a moment that is over. */
  next_read?: number | null;
  /** Of some accounts, which the browser counts: from when on it holds changes. */
  held_from?: number;
}
interface Detectors {
  n: number; bad: number; issues: number;
  worst: { name: string; state: "stopped" | "held" | "silent" | "never"; since: number | null; answered: number | null; why: string }[];
}

interface SpellRow { account: number; s: Letter; w: Place; onset: number | null; from: number; to: number | null }
interface ChangeRow {
  id: number; account: number; kind: Kind; s: Letter; w: Place; h: Place; strength: string; old: number | null; seen: number; recorded: number;
  outcome: Outcome; why: string | null; last: number | null; agreeing: number; mail: number | null; corrects: number | null;
}

/** The small tables, always whole. */
interface Context { lists: List[]; orders: Order[]; events: Paper[]; executives: Executive[] }
/** What may be told at any time; each is there only when it has something to say. */
interface NewsOf {
  changes: Table<ChangeRow>; spells: Table<SpellRow>; words: string[]; signals: Table<Signal>; mails: Mail[];
  superseded?: number[];
}

/** The first answer to the live page. */
interface Snapshot extends Context, NewsOf {
  id: number; now: number; from: number; earliest: number | null; sweep: number; gap_after: number; kpis: Kpis; detectors: Detectors;
  accounts: Table<{ id: number; platform: Platform; handle: string; post: 0 | 1; lists: number[]; group: number }>;
  coverage: { groups: [number | null, [number, number][]][]; rosters: Record<string, number[]> };
  outages: [number, number][];
  before: { from: number; step: number; blocked: number[]; restored: number[] };
  /** Where very many accounts are watched: those without a change in the range, which are not in `accounts`. `n` of them are alike. */
  quiet?: Table<{ platform: Platform; post: 0 | 1; lists: number[]; s: Letter | null; w: Place | null; from: number | null; group: number; n: number }>;
  /** After so many milliseconds it is to be fetched again. */
  renew?: number;
}

/** An answered request: roster, when, who gave no answer, and who was asked where it was a single re-read. */
type Read = [roster: number, at: number, missing: number[], ids: number[] | null];

/** What is pushed, and what a page that fell behind asks for. */
interface Delta extends Partial<Context>, Partial<NewsOf> {
  now: number; since: number; id: number; beat?: number; lost?: string; reload?: boolean;
  renames?: [number, string][]; read_from: number; reads?: Read[]; kpis?: Kpis; detectors?: Detectors;
  /** Those of the changes, where very many accounts are watched. */
  accounts?: Table<{ id: number; platform: Platform; handle: string; post: 0 | 1; lists: number[] }>;
  /** Countries of which a new label was stored. */
  labels?: string[];
}

/** The replay film: what was believed, from when (`known`) until when. */
interface BeliefRow extends SpellRow { c: Place; known: number; until: number | null; change: number | null }
interface FilmChangeRow extends ChangeRow { decided: number | null; superseded: number | null }
interface FilmOrder extends Order { since: number; until: number | null }
interface FilmMail { id: number; kind: string; subject: string; state: string; n: number; created: number; sent: number | null; into: number | null }
interface FilmSignal extends Signal { seen: number }
interface RunRow { roster: number; a: number; ar: number; b: number; br: number }
interface HoleRow { account: number; roster: number; a: number | null; b: number | null; br: number }
interface PointRow { account: number; a: number; ar: number }
interface StepRow { change: number; recorded: number; agreeing: number }
interface MemberRow { list: number; account: number; from: number; to: number | null }
interface Period { account: number; from: number; to: number | null }
interface FilmSnapshot {
  id: number; now: number; from: number; sweep: number; late_after: number; gap_after: number; apart: number; recorded_within: number;
  words: string[]; countries: string[][]; lists: { id: number; name: string; created: number }[]; orders: FilmOrder[]; events: Paper[];
  executives: Executive[]; accounts: Table<{ id: number; platform: Platform; handle: string; post: 0 | 1 }>; watched: Table<Period>; spells: Table<BeliefRow>;
  changes: Table<FilmChangeRow>; steps: Table<StepRow>; members: Table<MemberRow>; rosters: Record<string, number[]>;
  runs: Table<RunRow>; holes: Table<HoleRow>; points: Table<PointRow>; signals: Table<FilmSignal>; mails: FilmMail[];
}
/** What came since the film was packed: all of whoever is touched, and answered requests. */
interface FilmNews extends Pick<FilmSnapshot, "id" | "now" | "lists" | "orders" | "events" | "executives" | "words" | "countries" | "spells" | "changes" | "steps" | "signals" | "mails"> {
  touched: number[]; renames: [number, string][]; reads: [roster: number, at: number, lag: number, answered: number[] | null][];
}

/** The page of accounts, and what is drawn beside each. */
interface AccountSpellRow extends SpellRow { c: Place }
type Group = [last: number | null, gaps: [number, number][]];
/** Some rows of a listing. `ids` says which account has each place; one that is no longer there has no row in `accounts`. */
interface AccountsTable {
  now: number; late_after: number; gap_after: number; ids: number[]; shown: number; listing: string; groups: Group[]; words: string[]; tags: string[]; countries: string[];
  accounts: Table<{ id: number; platform: Platform; native: string; handle: string; post: 0 | 1; watched: 0 | 1; lists: number[]; tags: Place[]; group: number }>;
  spells: Table<AccountSpellRow>; provisional: Table<{ account: number; s: Letter; w: Place; old: number | null; seen: number }>;
}
/** What the table can be filtered by, each with its number of accounts. `behind`: how many of a figure's accounts are in it. */
interface AccountChoices {
  total: number; posts: number; late: number; platforms: [Platform, number][]; countries: [string, number][]; tags: [string, number][];
  lists: { id: number; name: string; n: number }[]; orders: { id: number; title: string; reference: string; list: number }[];
  behind: { shown: number; posts: number } | null;
}
interface AccountsPast {
  now: number; from: number; groups: Group[]; accounts: Table<{ id: number; group: number }>; spells: Table<AccountSpellRow>; words: string[]; countries: string[];
}
