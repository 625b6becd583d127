// The swimlane: one lane an account; names are real links beside the canvas, only those on screen exist.

import { find, say } from "../shell/dom.mjs";
import { day, ticks } from "../shell/time.mjs";
import { bar, prepare, snap, theme, windowBox } from "./marks.mjs";
import { drawShares, fitWords, groupAt } from "./overview.mjs";
import { counted, postsIn, sizeOf } from "./posts.mjs";
import { capital, covered, knownUntil, STATUS, stateAt } from "./state.mjs";

export const LANE = 16;

/**
 * Draw one account between y and y + height; X maps a time to a pixel.
 * @param {Ctx} g @param {State} state @param {Account} account @param {Span} of @param {Scale} X @param {number} y @param {number} height @param {boolean} [narrow]
 */
export function drawLane(g, state, account, [from, to], X, y, height, narrow = false) {
  const until = knownUntil(state, account);
  /** @type {(() => void)[]} */
  const solid = [];
  const last = account.spells.length - 1;
  account.spells.forEach((spell, k) => {
    const next = account.spells[k + 1];
    let stop = next ? Math.min(next.from, next.onset ?? next.from) : Math.min(spell.to ?? until, until);
    if (k === last && account.pending?.old) stop = Math.min(stop, Math.max(account.pending.old, spell.from));
    stop = Math.min(stop, until);
    const start = Math.max(spell.from, from);
    const end = Math.min(stop, to);
    if (end <= start && !(k === last && spell.from <= to && spell.from >= from)) return;
    const parts = covered(account, start, Math.max(end, start + 1));
    parts.forEach(([p, q], i) => {
      const tail = k === last && i === parts.length - 1 && q >= Math.min(until, to) - 1;
      const least = spell.s === "A" ? 0 : tail ? 8 : 3;
      const draw = () => bar(g, X(p), y, Math.max(X(q) - X(p), least), height, spell.s);
      if (spell.s === "A") draw();
      else solid.push(draw);
    });
  });
  const min = narrow ? 3 : 5;
  account.spells.forEach((spell) => {
    if (spell.onset !== null && spell.from > from && spell.onset < to) windowBox(g, X(spell.onset), X(spell.from), y, height, min);
  });
  for (const draw of solid) draw();
  for (const change of account.changes) {
    if (change.outcome === "confirmed" || change.seen > to || change.kind === "baseline") continue;
    const end = change.outcome === null ? until : Number(change.last);
    if (end < from) continue;
    if (change.old !== null) windowBox(g, X(change.old), X(change.seen), y, height, min);
    const parts = covered(account, Math.max(change.seen, from), Math.max(Math.min(end, to), change.seen + 1));
    parts.forEach(([p, q], i) => {
      const least = i < parts.length - 1 ? 3 : change.outcome === null ? 8 : 5;
      bar(g, X(p), y, Math.max(X(q) - X(p), least), height, change.s, true);
    });
  }
}

/**
 * The word at the right of a lane, of the time `t`: a provisional change is said with a question mark.
 * @param {State} state @param {Account} account @param {number} [t] @returns {LaneWord}
 */
export function laneWord(state, account, t = state.now) {
  if (account.pending && account.pending.kind !== "baseline" && account.pending.seen <= t) {
    return { text: `${capital(account.pending.w)}?`, icon: null, provisional: true };
  }
  const now = stateAt(state, account, t);
  if (!now && t < state.now) return { text: "Not read before", icon: "U", provisional: false };
  if (!now) return { text: account.pending ? "First reading" : "Not yet read", icon: "U", provisional: false };
  return { text: capital(now.w), icon: now.s, provisional: false };
}

export class Lanes {
  /**
   * `root` holds .lane-view > (.names, canvas, .words); `on` = {hover(account, t, event), leave(), open(account)}.
   * @param {HTMLElement} root @param {LanesOn} on
   */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    /** What is drawn; nothing is before `set` gives it. */
    this.state = /** @type {State} */ (/** @type {unknown} */ (null));
    /** What was given last. @type {Account[]} */
    this.all = [];
    /** How many accounts these are. */
    this.total = 0;
    /** The accounts of it that have a lane of their own. @type {Account[]} */
    this.single = [];
    /** What is drawn now: either of them. @type {Account[]} */
    this.list = [];
    /** How many accounts are drawn, and how many of them are posts. */
    this.size = this.posts = 0;
    /** @type {Span} */
    this.window = [0, 1];
    this.left = this.width = this.right = this.height = this.measured = 0;
    this.lane = LANE;
    this.fits = false;
    /** Whether the lanes that fit are drawn as bands: they are too low, or some have no lane of their own. */
    this.inBands = false;
    this.current = -1;
    /** @type {LaneRow[]} */
    this.rows = [];
    /** The moment that the keys have reached. @type {number | null} */
    this.moment = null;
    /** The account that was chosen last. @type {number | null} */
    this.chosen = null;
    root.innerHTML =
      '<div class="lane-space"><div class="lane-view"><canvas role="img"></canvas><div class="names" role="list"></div><p class="fit-note" hidden></p></div></div>';
    this.space = find(root, ".lane-space");
    this.view = find(root, ".lane-view");
    this.canvas = /** @type {HTMLCanvasElement} */ (find(root, "canvas"));
    this.names = find(root, ".names");
    this.note = find(root, ".fit-note");
    root.addEventListener("scroll", () => this.draw(), { passive: true });
    root.addEventListener("keydown", (e) => this.key(e));
    root.addEventListener("mousemove", (e) => this.move(e));
    root.addEventListener("mouseleave", () => {
      this.current = -1;
      this.on.leave();
      this.draw();
    });
    this.canvas.addEventListener("click", (e) => {
      const account = this.inBands ? this.bandAt(e).find((a) => !a.isQuiet) : this.list[this.laneAt(e)];
      if (this.fits && account) this.on.look(account);
      else if (account) this.on.open(account);
    });
  }

  /**
   * Give it what to draw: the state, the accounts in order, the window, the widths of the three columns, and whether
   * all lanes have to fit. `height` of a lane is then less than usual; lanes below 2 px are shown as shares. Quiet accounts
   * are only in these.
   * @param {State} state @param {Account[]} list @param {Span} window @param {number} left @param {number} width @param {number} right @param {boolean} fit
   */
  set(state, list, window, left, width, right, fit) {
    if (list !== this.all) {
      this.single = list.some((a) => a.isQuiet) ? list.filter((a) => !a.isQuiet) : list;
      this.total = sizeOf(list);
    }
    Object.assign(this, { state, all: list, window, left, width, right });
    if (!this.height || this.measured !== innerHeight) {
      this.height = this.root.clientHeight;
      this.measured = innerHeight;
    }
    this.lane = fit ? Math.min(LANE, this.height / Math.max(1, this.total)) : LANE;
    this.fits = this.lane < LANE;
    this.inBands = this.fits && (this.lane < 2 || this.single !== list);
    const drawn = this.fits ? list : this.single;
    if (drawn !== this.list) Object.assign(this, { list: drawn, size: sizeOf(drawn), posts: postsIn(drawn) });
    this.note.hidden = !this.fits;
    say(this.note, this.fits ? fitWords(list, this.inBands, this.height) : "");
    this.put(this.view, "height", `${this.height}px`);
    this.put(this.space, "height", `${this.fits ? this.height : Math.max(this.height, this.list.length * LANE)}px`);
    this.draw();
  }

  /** @param {HTMLElement} element @param {"height" | "left" | "transform"} name @param {string} value */
  put(element, name, value) {
    if (element.style[name] !== value) element.style[name] = value;
  }

  /** @param {MouseEvent} event */
  laneAt(event) {
    const y = event.clientY - this.root.getBoundingClientRect().top + this.root.scrollTop;
    return Math.floor(y / this.lane);
  }

  /** The accounts of the band under a pointer. @param {MouseEvent} event */
  bandAt(event) {
    return groupAt(this.list, this.height, event.clientY - this.root.getBoundingClientRect().top);
  }

  /** Make an account the current one, and have it on screen. @param {Account} account */
  choose(account) {
    const i = this.list.indexOf(account);
    if (i < 0) return;
    this.current = i;
    this.root.scrollTop = Math.max(0, (i - 2) * LANE);
    this.draw();
  }

  /** @param {MouseEvent} event */
  move(event) {
    if (event.buttons) {
      // The board is being dragged: nothing is asked about what passes under the pointer.
      this.on.leave();
      return;
    }
    const i = this.laneAt(event);
    const x = event.clientX - this.canvas.getBoundingClientRect().left;
    const account = this.list[i];
    const t = this.window[0] + (Math.max(0, Math.min(x, this.width)) / this.width) * (this.window[1] - this.window[0]);
    if (this.inBands) {
      const group = this.bandAt(event);
      if (group.length && x >= 0 && x <= this.width) this.on.survey(group, t, event);
      else this.on.leave();
      return;
    }
    if (this.current !== i) {
      this.current = account ? i : -1;
      this.draw();
    }
    if (!account) this.on.leave();
    else this.on.hover(account, t, event);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const page = Math.max(1, Math.floor(this.height / LANE) - 1);
    if (event.shiftKey || this.fits) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -1e9, End: 1e9 }[event.key];
    if (event.key === "Enter" && this.list[this.current] && event.target === this.root) this.on.open(this.list[this.current]);
    if (event.key === "Escape") this.on.leave();
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step && !(side && this.list[this.current])) return;
    event.preventDefault();
    if (side) {
      this.walk(side);
      return;
    }
    this.moment = null;
    this.current = Math.max(0, Math.min(this.list.length - 1, this.current + Number(step)));
    const y = this.current * LANE;
    if (y < this.root.scrollTop) this.root.scrollTop = y;
    if (y > this.root.scrollTop + this.height - LANE) this.root.scrollTop = y - this.height + LANE;
    this.draw();
    this.on.select(this.list[this.current]);
    this.tell();
  }

  /** Go to the change before or after the one described last. @param {number} side */
  walk(side) {
    const [from, to] = this.window;
    const times = this.list[this.current].changes.map((c) => c.seen).filter((t) => t >= from && t <= to);
    const at = this.moment ?? to;
    this.moment = (side < 0 ? times.findLast((t) => t < at) : times.find((t) => t > at)) ?? (side < 0 ? from : to);
    this.tell();
  }

  /** Show the words for the current lane at the moment that the keys have reached. */
  tell() {
    const account = this.list[this.current];
    if (!account) return;
    const t = this.moment ?? this.window[1];
    const box = this.root.getBoundingClientRect();
    const share = (t - this.window[0]) / (this.window[1] - this.window[0]);
    this.on.hover(account, t, {
      clientX: box.left + this.left + this.width * share,
      clientY: box.top + this.current * LANE - this.root.scrollTop + LANE,
    });
  }

  draw() {
    if (!this.state || this.width < 40) return;
    const { width, height, list } = this;
    const g = prepare(this.canvas, width, height);
    this.put(this.canvas, "left", `${this.left}px`);
    const [from, to] = this.window;
    const label = `${this.posts ? `Timelines of ${counted(this.size, this.posts)}` : `${this.size} account timelines`}, ${day(from)} to ${day(to)}. “View as table” shows the same facts.`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
    /** @param {number} t */
    const X = (t) => ((t - from) / (to - from)) * width;
    g.fillStyle = theme.grid;
    for (const tick of ticks(this.window, width)) g.fillRect(snap(X(tick.t)), 0, 1, height);
    if (this.inBands) {
      drawShares(g, this.state, list, this.window, width, height);
      this.hideRows(0);
    } else this.drawLanes(g, X);
  }

  /** Hide the rows from a place on, which now stand beside no lane. @param {number} first */
  hideRows(first) {
    for (let k = first; k < this.rows.length; k++) this.rows[k].root.hidden = true;
  }

  /** The lanes on screen; with their names where there is room for them. @param {Ctx} g @param {Scale} X */
  drawLanes(g, X) {
    const { width, height, list, lane } = this;
    const first = Math.floor(this.root.scrollTop / lane);
    const dy = -(this.root.scrollTop % lane);
    const visible = Math.ceil(height / lane) + 1;
    const edge = lane >= LANE ? 2 : lane >= 6 ? 1 : 0;
    for (let k = 0; k < visible; k++) {
      const account = list[first + k];
      const y = dy + k * lane;
      const current = first + k === this.current;
      if (account) {
        if (current) {
          g.fillStyle = theme.sel;
          g.fillRect(0, y, width, lane);
        }
        g.save();
        g.beginPath();
        g.rect(0, y, width, lane);
        g.clip();
        this.paint(g, account, X, y + edge, Math.max(2, lane - 2 * edge));
        g.restore();
      }
      if (!this.fits) this.row(k, account, y, current);
    }
    this.hideRows(this.fits ? 0 : visible);
  }

  /**
   * One lane. Who draws more than this page does says it here.
   * @param {Ctx} g @param {Account} account @param {Scale} X @param {number} y @param {number} height
   */
  paint(g, account, X, y, height) {
    drawLane(g, this.state, account, this.window, X, y, height, this.lane < LANE);
  }

  /** What stands at its right. `mark` is a class of its row, after a space. @param {Account} account @param {number} t */
  wordOf(account, t) {
    return laneWord(this.state, account, t);
  }

  /** @param {number} k @param {Account | undefined} account @param {number} y @param {boolean} current */
  row(k, account, y, current) {
    const row = (this.rows[k] ??= this.makeRow());
    if (row.root.hidden !== !account) row.root.hidden = !account;
    if (!account) return;
    const t = Math.min(this.state.now, this.window[1]);
    const { text, icon, provisional, mark = "" } = this.wordOf(account, t);
    const sign = icon ?? stateAt(this.state, account, t)?.s ?? "U";
    this.put(row.root, "transform", `translateY(${y}px)`);
    const key = `${account.id}|${account.handle}|${text}|${sign}|${current}|${provisional}|${mark}|${this.left}|${this.width}`;
    if (row.key === key) return;
    row.key = key;
    row.root.className = `lane-row${current ? " current" : ""}${mark}`;
    row.link.href = `/account/${account.id}`;
    row.link.title = `@${account.handle}`;
    row.use.setAttribute("href", `#i-${sign}`);
    row.svg.setAttribute("aria-label", STATUS[sign]);
    row.name.textContent = `@${account.handle}`;
    row.link.style.width = `${this.left}px`;
    row.word.style.left = `${this.left + this.width}px`;
    row.word.style.width = `${this.right}px`;
    row.word.textContent = text;
    row.word.title = text;
    row.word.className = `lane-word${provisional ? " provisional" : ""}`;
  }

  /** @returns {LaneRow} */
  makeRow() {
    const root = document.createElement("div");
    root.setAttribute("role", "listitem");
    root.innerHTML =
      '<a class="lane-name" tabindex="-1"><svg class="i" role="img"><use></use></svg><span></span></a><span class="lane-word"></span>';
    this.names.append(root);
    /** @type {Omit<LaneRow, "key" | "root">} */
    const parts = { link: find(root, "a"), word: find(root, ".lane-word"), svg: find(root, "svg"), use: find(root, "use"), name: find(root, "span") };
    return { ...parts, root, key: "" };
  }
}
