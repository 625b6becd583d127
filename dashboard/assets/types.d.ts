// What the scripts of the browser hand to each other. What comes from the server is in dashboard/wire/messages.d.ts.

/** A map that is asked only for what is in it. */
interface Sure<K, V> extends Map<K, V> { get(key: K): V }
/** A time window: from, to. */
type Span = [from: number, to: number];
/** The pixel of a time. */
type Scale = (t: number) => number;
type Ctx = CanvasRenderingContext2D & {
  /** Of a drawing that becomes SVG: a fill that stands for a hatch. */
  hatch?: (id: string, size: number, draw: (g: Ctx) => void) => string;
};
type Rgb = number[];
/** A column as it was packed by dashboard/wire/columnar.py. */
interface Packed { type: "u8" | "u16" | "u32" | "f64"; at: number; n: number; base: number; missing?: boolean; words?: unknown[] }
/** How old the newest word of the server is: when it was written, and how long the latest messages were on their way. */
/** How often a page is drawn again: when it was last, and how long after that at the soonest. */
interface Pacing { drawn: number; pause: number }
interface Pulse { beat: number | null; ways: number[] }
/** A result of the search. */
interface Hit { kind: "recent" | "page" | "action" | "account" | "post" | "list" | "order" | "executive"; name: string; more: string; href: string }
/** A long table of a page of the server's: all of it is text. */
interface Timed { text: string; at: string; from?: string }
interface Cell { text: string | (string | Timed)[]; small?: string; href?: string }
interface LongTable { columns: string[]; rows: { cells: Cell[]; class?: string }[] }

/** What a confirmed status is from when until when: its words, and the last reading before it that said otherwise. */
interface Spell { s: Letter; w: string; onset: number | null; from: number; to: number | null }
interface Change extends Omit<ChangeRow, "w" | "h"> { w: string; h: string }
interface Account {
  /** Its place among all. */
  i: number; id: number; handle: string; post: boolean; platform: Platform; lists: number[]; last: number | null; gaps: Span[]; spells: Spell[]; changes: Change[];
  /** How many accounts it stands for: more than one only where it is a group of quiet accounts, which has no handle. */
  n: number; isQuiet: boolean;
  /** The change that is not decided yet. */
  pending: Change | null;
  /** When its latest change was first seen, 0 for none. */
  latest: number;
}
/** The known times of all accounts as flat columns. */
interface Known { n: number; start: Int32Array; first: Float64Array; s: Uint8Array; from: Float64Array; to: Float64Array }

/** The same, and for how long it holds: until a fact is added, or somebody is not read in time. */
interface Cut extends Known { facts: number; holds: number }

/** What is drawn: the live page's own, or a moment of the film. */
interface State extends Context {
  id: number; now: number; readTo: number; from: number; earliest: number | null; gapAfter: number; sweep: number; lastRead: number;
  accounts: Account[]; byId: Sure<number, Account>; changes: Map<number, Change>; signals: Map<number, Signal>; mails: Map<number, Mail>;
  outages: Span[]; kpis: Kpis; before: Snapshot["before"]; platforms: Set<Platform>; rev: number; facts: number;
  /** Of a moment of the film alone. */
  known?: Known; members?: (list: number) => Account[]; knownAt?: number | null;
}
interface LiveState extends State {
  rosters: Map<number, Account[]>; detectors: Detectors; range?: RangeName;
  /** So many accounts are watched that the quiet ones are groups; after how long everything is to be fetched again (null: as usual). */
  isGrouped: boolean; renew: number | null;
}

type Counts = Record<Letter | "n", number>;
type Tally = Record<Letter | "n", Int32Array>;
/** Of what a drawing was made: what a pointer over it shows. */
interface Board { state: State; window: Span }
type RangeName = "24h" | "7d" | "14d" | "30d" | "1y" | "all";
/** How a feed is read: days that were opened or closed by hand. */
interface FeedView { openDays: Set<number>; closedDays: Set<number>; paused: boolean; feedDirty?: boolean }
/** Accounts only, posts only, or both. */
type Kinds = "" | "accounts" | "posts";
/** What the address of the live page says. */
interface Choices {
  range: RangeName; span: { from: number; to: number | null } | null; list: string; kind: Kinds; sort: string; filter: string; fit: boolean; only: boolean; account: number | null;
}
interface View extends Choices, FeedView { cards: number }

/** A vertical line through the board, with its label. */
interface Mark { t: number; href: string | null; label: string; sub: string; range: Span | null; row: number; hollow: boolean; minor?: boolean }
interface Label { row: number; left: number; label: string; width: number; rest: string; mustBeClear?: boolean }
/** A band of the fleet at its end. */
interface End { s: Letter; letters: string; name: string; value: number; y: number }
/** The accounts of one or more statuses at a moment. */
interface Counted { letters: string; name: string; value: number; t: number }
/** A row of the table of a board: what it is of, and HTML. */
interface Fact { what: string; said: string }
/** What lies under a pointer: its words, and where a press leads. */
interface Spot { lines: string[]; when: string; href: string | null; leads: string }
interface Bins { start: number; step: number; n: number }
interface Flows { bins: Bins; blocked: Int32Array; restored: Int32Array }
interface ChangeGroup { cohort: number | null; first: Change; changes: Change[]; old: number | null; seen: number; recorded: number; mails: Set<number> }
type Note = { type: "gap"; a: number; b: number | null } | { type: "order"; order: Order } | { type: "event"; event: Paper };
type Item = (Note | { type: "group" | "change"; group: ChangeGroup }) & { t: number };
type Figures = Record<"blocked" | "new" | "restored" | "provisional" | "orders" | "unread", [value: string, words: string, weighs: boolean, posts: string]>;
interface LaneWord { text: string; icon: Letter | null; provisional: boolean; mark?: string }
/** Where a pointer is. */
interface At { clientX: number; clientY: number }
/** What lanes ask for. */
interface LanesOn {
  hover(account: Account, t: number, at: At): void; survey(group: Account[], t: number, at: At): void; leave(): void;
  select(account: Account): void; look(account: Account): void; open(account: Account): void;
}
interface LaneRow { root: HTMLElement; link: HTMLAnchorElement; word: HTMLElement; svg: SVGElement; use: SVGElement; name: HTMLElement; key: string }

/** What the board of the live page was drawn of last. */
interface Drawn { ends: End[]; state: LiveState; view: View; window: Span; marks: Mark[]; list: Account[]; left: number; width: number; right: number }
interface Moving { chart(): { left: number; width: number } | null; current(): Drawn | null; move(window: Span): void; settle(): void }

/** What Dash calls of ours. */
interface Ready { push(message: Delta): number; poll(): Promise<void>; route(path?: string, query?: string): Promise<object>; orderFile(act: string, given: unknown[]): unknown; toast(given: Toast | null): void }
/** What `boot.js` holds, for scripts that come later and for who looks from outside. */
interface Shared {
  rev: number; range: RangeName; first: Promise<Response> | null; film: Promise<Response> | null; pageOf(path: string): string; pathOf(path: string): string;
  arrived(ready: Ready): void; startDash(): void; window?: Span; state?: LiveState; resyncs?: number; reel?: object;
}
declare var __blockline: Shared;
declare var dash_clientside: { set_props(id: string, props: object): void };
/** AG Grid, which Dash brings: what ours asks of it. */
interface GridNode { data?: AccountRow; isSelected(): boolean; setSelected(on: boolean, alone: boolean, source: string): void }
interface GridBlock { startRow: number; endRow: number; sortModel: { colId: string; sort: "asc" | "desc" }[]; successCallback(rows: AccountRow[], last: number): void; failCallback(): void }
interface Grid {
  destroy(): void; isDestroyed(): boolean; refreshCells(how: { force: boolean }): void; setGridOption(name: string, value: unknown): void; refreshInfiniteCache(): void; purgeInfiniteCache(): void;
  refreshHeader(): void; getRenderedNodes(): GridNode[]; forEachNode(tell: (node: GridNode) => void): void; applyColumnState(how: object): void; ensureIndexVisible(row: number, place: string): void;
  getColumnState(): { colId: string; sort?: "asc" | "desc" | null; sortIndex?: number | null }[];
}
declare var dashAgGridFunctions: Record<string, (agGrid: any) => any>;

/** An account of the page of accounts. */
interface AccountSpell extends Spell { countries: string[] }
interface AccountRow {
  id: number; platform: Platform; native: string; handle: string; post: boolean; watched: boolean;
  /** Since when its past is known; null while it has not been asked for. */
  from: number | null; last: number | null; gaps: Span[]; spells: AccountSpell[];
  now: AccountSpell | null; pending: { s: Letter; w: string; old: number | null; seen: number } | null; lists: AccountChoices["lists"];
  orders: AccountChoices["orders"]; tags: string[]; countries: string[]; late: boolean;
  /** It was purged, or became a control account, since the listing was made. */
  gone: boolean;
}
/** A part of what is drawn of an account. */
interface Piece { kind: "spell" | "window" | "provisional"; s: Letter; from: number; to: number }
interface AccountsState {
  now: number; gapAfter: number; lateAfter: number; shown: number; listing: string; rows: AccountRow[];
}
/** What the page of accounts holds: all is there once it was opened and its accounts have come. */
interface AccountsPage {
  choice: Choice; held: Held; grid: { api: Grid; mark(): void } | null; place: HTMLElement | null; script: Promise<unknown> | null;
  choices: AccountChoices | null;
  /** The first block of the listing that is shown, of which the others say the moment; null: it is asked for next. */
  listing: Promise<AccountsState> | null;
  /** When the listing was asked for, and how long it took. */
  at: number; took: number;
  /** What was before of each account that was on the screen, and when it was asked for. */
  past: Map<number, { at: number; body: AccountsPast | null }>;
  /** Those selected, with their rows where they were loaded. */
  selected: Map<number, AccountRow | null>;
  /** The figure whose accounts are shown. */
  behind: Behind | null;
}
/** The accounts behind a figure, and the address that asked for them. */
interface Behind { of: string; words: string; n: number }
interface Choice {
  figure: string; at: string; q: string; status: string; country: string; list: string; order: string; tag: string; platform: string; kind: string; late: boolean; repeatedly_blocked: boolean; whom: string; sort: string; selected: "all" | Set<number>;
}

interface Undo { address: string; method: string; fields: Record<string, string> | null; body: object | null }
interface Toast { words: string; undo?: Undo | null }
interface Answer { error?: string; sentence?: string; toast?: Toast; each?: { account: number; words: string }[] }
interface ImportAnswer extends Answer {
  taken: number; ignored: string[]; refused: { line: number | null; why: string }[]; lines: { line: number; what: string; did: string; changed: boolean }[];
}
/** What the table is drawn from, read at each drawing. */
interface Held { state: Pick<AccountsState, "now" | "gapAfter" | "lateAfter">; shown: number; selected: Map<number, AccountRow | null> }

/** By what is known: null for now, "then" for the moment itself, or a time. */
type Knew = null | "then" | number;
type Listed = { account: number; times: Span[] }[];
/** All changes by column, by when they were first seen. */
interface FilmChanges extends Omit<Table<FilmChangeRow>, "account" | "seen" | "recorded" | "decided" | "superseded"> {
  account: Int32Array; seen: Float64Array; recorded: Float64Array; decided: Float64Array; superseded: Float64Array;
  /** Where a change stands, by its number. */
  place: Map<number, number>;
  /** Whether it is news of an account that is shown; and whether nothing supersedes it as known now. */
  isNews: Uint8Array; stands: Uint8Array;
}
/** What was believed of each account, one after the other: `start[i]` to `start[i + 1]` are those of account i. */
interface Beliefs extends Record<"onset" | "from" | "to" | "known" | "until" | "change", Float64Array> { start: Int32Array; s: Uint8Array; w: Int32Array; c: Int32Array }
interface Film {
  id: number; now: number; from: number; sweep: number; lateAfter: number; gapAfter: number; words: string[]; countries: string[][];
  lists: FilmSnapshot["lists"]; orders: FilmOrder[]; papers: Paper[]; executives: Executive[]; platforms: Set<Platform>; index: Index;
  /** Those that ever were watched come first, by when that began: so many. */
  watched: number; accounts: { id: number; handle: string; post: boolean; platform: Platform; times: Span[] }[];
  spells: Beliefs; changes: FilmChanges; changesOf: Places; reads: import("./film/reads.mjs").Reads;
  /** How provisional changes came nearer to a decision, by change. */
  steps: Map<number, [recorded: number, agreeing: number][]>;
  members: Map<number, Listed>; listsOf: { list: number; times: Span[] }[][];
  signals: FilmSignal[]; made: Float64Array; mails: FilmMail[]; written: Float64Array; mailOf: Map<number, FilmMail>;
  events: { was: Float64Array; known: Float64Array };
}
/** Columns with room for more. */
interface Room extends Known { room: number }
interface MeansRoom { n: number; means: Float64Array; whole: Int32Array }
interface SharesRoom { means: MeansRoom; tops: Float32Array }
type Moment = import("./film/moment.mjs").Moment;
type FilmAccount = import("./film/account.mjs").Account;
/** How an account stands: "first" where nothing was confirmed, "none" where it was not watched. */
interface ShownStatus { s: Letter | "first" | "none"; w: string }
/** What is known now and was known otherwise. */
interface Difference {
  account: FilmAccount; was: ShownStatus; then: ShownStatus;
  /** When the first of what makes the difference was recorded; null if that is not known. */
  recorded: number | null;
  /** It was provisional; the change was not on record; the reading was not. */
  why: "confirmed later" | "recorded later" | "read later";
}
interface Compliance {
  order: FilmOrder; named: number; onList: number; posts: number; watched: number; read: number; ever: number; before: number; now: number; stale: number; restored: number; gone: number;
}
/** Rows by their number: `order[start[i]]` to `order[start[i + 1] - 1]` are those of i. */
interface Places { start: Int32Array; order: Int32Array }
interface Run { a: number; ar: number; b: number }
type Index = Map<number, number>;
interface ReplayChoices { at: number | null; knew: Knew; range: Span | null; list: string; loop: boolean; fit: boolean; pinned: { at: number; knew: Knew } | null }
interface Action {
  do: "play" | "step" | "end" | "event" | "speed" | "loop" | "fit" | "view" | "list" | "sort" | "from" | "to" | "whole" | "range" | "go" | "pin" | "unpin" | "swap";
  by?: number; larger?: boolean; to?: number; knew?: Knew; list?: string; sort?: string; range?: Span | null; t?: number;
}
/** What is shown of the film. All of it is there once the film has come. */
interface Stage extends Omit<ReplayChoices, "at"> {
  /** All of it, and what was made of it for each list that was chosen. */
  snapshot: FilmSnapshot; films: Map<string, { film: Film; was: Moment; then: Moment }>;
  /** The film of the chosen list, and its moment by what is known now and by what was known. */
  film: Film; was: Moment; then: Moment;
  /** All lists that can be chosen: number and name. */
  lists: [id: string, name: string][];
  t: number; speed: number; playing: boolean; held: boolean; sort: string;
}
/** What films the server can make. */
interface Limits { forms: ("mp4" | "webm" | "gif")[]; frames: number; bytes: number }
interface ReplayOn { act(action: Action): void; scrub(t: number): void; settle(): void; asking(range: Span): void; choose(range: Span): void; address(): string }
/** What a trace leads to, from dashboard/ui/figures.py. */
interface PlotLead { figure: string; at: string; since?: string }
interface PlotPoint { id?: string; x: string | number; curveNumber: number; data: { meta?: PlotLead } }
interface Plot extends HTMLElement { on?(event: string, hear: (told: { points: PlotPoint[] }) => void): void }
