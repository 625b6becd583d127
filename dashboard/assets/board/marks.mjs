// Marks on canvas: the statuses' bars and hatches, change windows, executives' shapes. Colours come from the CSS tokens.

const TOKENS = [
  "card", "sunk", "sel", "line", "line2", "grid", "ink", "ink2", "ink3", "A", "A-e", "A-wash", "W", "W-e", "W-h", "S", "S-e",
  "S-h", "G", "G-e", "G-h", "N", "N-e", "N-h", "D", "D-e", "D-h", "P", "P-e", "P-h", "X", "X-e", "win", "win-bg", "diff", "diff-wash",
];

/** @type {Record<string, string>} */
export const theme = {};
/** @type {Map<string, CanvasPattern>} */
const patterns = new Map();

/** Read the tokens again: at start, and after a change of theme. */
export function readTheme() {
  const css = getComputedStyle(document.documentElement);
  for (const name of TOKENS) theme[name] = css.getPropertyValue(`--${name}`).trim();
  theme.font = css.getPropertyValue("--font").trim();
  patterns.clear();
}

/** The pixel of a time in a window that is `width` pixels wide. @param {Span} of @param {number} width */
export const scale = ([from, to], width) => (/** @type {number} */ t) => ((t - from) / (to - from)) * width;

export const ratio = () => Math.max(1, Math.min(3, globalThis.devicePixelRatio || 1));
/** As it was when something was last prepared: it is asked for thousands of times in a frame. */
let density = 1;
/** The nearest whole device pixel. @param {number} v */
export const snap = (v) => Math.round(v * density) / density;

/** @param {HTMLCanvasElement} canvas */
export const contextOf = (canvas) => /** @type {Ctx} */ (canvas.getContext("2d"));

/**
 * Size a canvas for the screen's pixels and give its context in CSS pixels, cleared.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 */
export function prepare(canvas, width, height) {
  const d = (density = ratio());
  const w = Math.round(width * d);
  const h = Math.round(height * d);
  const g = contextOf(canvas);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  g.setTransform(d, 0, 0, d, 0, 0);
  g.clearRect(0, 0, width, height);
  g.globalAlpha = 1;
  g.setLineDash([]);
  g.textAlign = "left";
  g.textBaseline = "middle";
  return g;
}

/** What passes for a canvas where a drawing goes to another one, or to a file. @param {Ctx} g */
export const paperOf = (g) => /** @type {HTMLCanvasElement} */ (/** @type {unknown} */ ({ getContext: () => g, style: {}, getAttribute: () => null, setAttribute: () => {} }));

/** @param {{ font: string }} g @param {number} [size] @param {number} [weight] */
export const text = (g, size = 11, weight = 400) => (g.font = `${weight} ${size}px ${theme.font}`);

/** The words, ended with "…" where they are wider than `room`. @param {Ctx} g @param {string} words @param {number} room */
export const fit = (g, words, room) => {
  if (g.measureText(words).width <= room) return words;
  let cut = words;
  while (cut.length > 4 && g.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
  return `${cut.trimEnd()}…`;
};

/** @type {Record<string, number[][]>} */
const HATCH = {
  W: [[-1, 7, 7, -1], [-1, 1, 1, -1], [5, 7, 7, 5]],
  S: [[-1, -1, 7, 7], [-1, 7, 7, -1]],
  G: [[-1, -1, 7, 7], [-1, 7, 7, -1]],
  D: [[0, 4.5, 3, 1.5], [3, 1.5, 6, 4.5]],
  P: [[1.5, 0, 1.5, 6], [4.5, 0, 4.5, 6]],
  U: [[0, 1.5, 6, 1.5], [0, 4.5, 6, 4.5]],
  win: [[-1, -1, 7, 7], [-1, 5, 1, 7], [5, -1, 7, 1], [-1, 2, 4, 7], [2, -1, 7, 4]],
};

const TILE = 6;

/**
 * The fill of a status: its colour with its hatch ("U" not checked and "win" change window have only the hatch).
 * @param {Ctx} g @param {string} key
 */
export function pattern(g, key) {
  if (g.hatch) return g.hatch(`hatch-${key}`, TILE, (c) => drawTile(c, key));
  const d = ratio();
  const id = `${key}@${d}`;
  const known = patterns.get(id);
  if (known) return known;
  const tile = document.createElement("canvas");
  tile.width = tile.height = TILE * d;
  const c = contextOf(tile);
  c.scale(d, d);
  drawTile(c, key);
  const made = /** @type {CanvasPattern} */ (g.createPattern(tile, "repeat"));
  made.setTransform(new DOMMatrix([1 / d, 0, 0, 1 / d, 0, 0]));
  patterns.set(id, made);
  return made;
}

/** @param {Ctx} c @param {string} key */
function drawTile(c, key) {
  if (key !== "U" && key !== "win") {
    c.fillStyle = theme[key];
    c.fillRect(0, 0, TILE, TILE);
  }
  c.strokeStyle = c.fillStyle = key === "win" ? theme.win : key === "U" ? theme.ink3 : theme[`${key}-h`] ?? theme.ink3;
  c.globalAlpha = key === "win" ? 0.75 : key === "U" ? 0.55 : 1;
  c.lineWidth = key === "win" ? 0.7 : 1;
  if (key === "N") {
    for (const [x, y] of [[1.5, 1.5], [4.5, 4.5]]) {
      c.beginPath();
      c.arc(x, y, 0.9, 0, 7);
      c.fill();
    }
  }
  c.beginPath();
  for (const [x0, y0, x1, y1] of HATCH[key] ?? []) {
    c.moveTo(x0, y0);
    c.lineTo(x1, y1);
  }
  c.stroke();
}

/**
 * One stretch of one status. Available is a 2 px line; what was done to the account has full height; the owner's own
 * act (protected, deactivated) half. A provisional one is hollow with a dashed edge.
 * @param {Ctx} g @param {number} x @param {number} y @param {number} width @param {number} height @param {Letter} s @param {boolean} [provisional]
 */
export function bar(g, x, y, width, height, s, provisional = false) {
  if (width <= 0) return;
  if (s === "A" && !provisional) {
    g.fillStyle = theme.A;
    const left = snap(x);
    g.fillRect(left, snap(y + height / 2 - 1), snap(x + width) - left, 2);
    return;
  }
  if (s === "P" || s === "D") {
    y += Math.floor(height * 0.25);
    height = Math.ceil(height * 0.5);
  }
  const left = snap(x);
  const top = snap(y);
  const w = Math.max(2, snap(x + width) - left);
  if (provisional) {
    g.fillStyle = theme.card;
    g.fillRect(left, top, w, height);
    g.strokeStyle = theme[`${s}-e`];
    g.lineWidth = 1.25;
    g.setLineDash([3, 2]);
    g.strokeRect(left + 0.6, top + 0.6, Math.max(1, w - 1.2), height - 1.2);
    g.setLineDash([]);
    return;
  }
  g.fillStyle = w < 5 ? theme[s] : pattern(g, s);
  g.fillRect(left, top, w, height);
  if (w > 2.5) {
    g.strokeStyle = theme[`${s}-e`];
    g.lineWidth = 1;
    g.strokeRect(left + 0.5, top + 0.5, w - 1, height - 1);
  }
}

/**
 * Bars upwards from `middle` for what was restored, downwards for what was blocked, `reach` pixels at most and `least` at least.
 * @param {Ctx} g @param {Flows} of @param {Scale} X @param {number} middle @param {number} reach @param {number} least
 */
export function flowBars(g, { bins, blocked, restored }, X, middle, reach, least) {
  const most = Math.max(1, ...blocked, ...restored);
  /** @param {number} k */
  const size = (k) => (k ? Math.max(least, Math.sqrt(k / most) * reach) : 0);
  for (let i = 0; i < bins.n; i++) {
    if (!blocked[i] && !restored[i]) continue;
    const left = snap(Math.max(0, X(bins.start + i * bins.step)));
    const w = Math.max(1, snap(X(bins.start + (i + 1) * bins.step)) - left - 1);
    g.fillStyle = theme["A-e"];
    g.fillRect(left, middle - size(restored[i]), w, size(restored[i]));
    g.fillStyle = theme.W;
    g.fillRect(left, middle + 1, w, size(blocked[i]));
  }
}

/**
 * The outlined, hatched box between the last contrary and the first agreeing reading.
 * @param {Ctx} g @param {number} x0 @param {number} x1 @param {number} y @param {number} height @param {number} [min]
 */
export function windowBox(g, x0, x1, y, height, min = 5) {
  if (x1 - x0 < min) [x0, x1] = [(x0 + x1 - min) / 2, (x0 + x1 + min) / 2];
  const left = snap(x0);
  const w = snap(x1) - left;
  g.fillStyle = theme["win-bg"];
  g.fillRect(left, y, w, height);
  if (w >= 8) {
    g.fillStyle = pattern(g, "win");
    g.fillRect(left, y, w, height);
  }
  g.strokeStyle = w < 8 ? theme.ink3 : theme.win;
  g.lineWidth = 1;
  g.strokeRect(left + 0.5, y + 0.5, w - 1, height - 1);
}

/** @type {Record<string, number[][]>} */
const SHAPES = {
  repost: [[-1, 0], [0, -1], [1, 0], [0, 1]],
  quote: [[-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8]],
  reply: [[-1, -0.8], [1, -0.8], [0, 1]],
  follow: [
    [-0.36, -1], [0.36, -1], [0.36, -0.36], [1, -0.36], [1, 0.36], [0.36, 0.36], [0.36, 1], [-0.36, 1], [-0.36, 0.36],
    [-1, 0.36], [-1, -0.36], [-0.36, -0.36],
  ],
  unfollow: [[-1, -0.36], [1, -0.36], [1, 0.36], [-1, 0.36]],
};

/**
 * An executive's act: the shape is its kind. `hollow` is an act that is claimed and was not observed.
 * @param {Ctx} g @param {string} kind @param {number} x @param {number} y @param {number} [r] @param {boolean} [hollow]
 */
export function shape(g, kind, x, y, r = 4.8, hollow = false) {
  g.save();
  g.translate(x, y);
  g.lineWidth = 1.1;
  g.strokeStyle = hollow ? theme.ink2 : theme["X-e"];
  g.fillStyle = hollow ? theme.card : theme.X;
  if (hollow) g.setLineDash([2, 1.6]);
  g.beginPath();
  const points = SHAPES[kind];
  if (points) points.forEach(([px, py], i) => g[i ? "lineTo" : "moveTo"](px * r, py * r));
  else if (kind === "like") {
    g.moveTo(0, r);
    g.bezierCurveTo(-r * 1.9, -r * 0.3, -r * 0.8, -r * 1.5, 0, -r * 0.5);
    g.bezierCurveTo(r * 0.8, -r * 1.5, r * 1.9, -r * 0.3, 0, r);
  } else g.arc(0, 0, r * 0.85, 0, 7);
  g.closePath();
  g.fill();
  g.stroke();
  g.restore();
}

const CLUSTER_PX = 44;

/**
 * Acts on one line; three or more that touch become one box with their number, so wide that it still says when.
 * @param {Ctx} g @param {Signal[]} list @param {Scale} X @param {number} y @param {number} [r]
 */
export function acts(g, list, X, y, r = 4.8) {
  for (let i = 0; i < list.length; ) {
    let j = i;
    while (j + 1 < list.length && X(list[j + 1].t) - X(list[j].t) < r * 1.9 && X(list[j + 1].t) - X(list[i].t) < CLUSTER_PX) j++;
    const n = j - i + 1;
    if (n >= 3) {
      text(g, 10, 700);
      const w = Math.max(g.measureText(String(n)).width + 10, X(list[j].t) - X(list[i].t) + 8);
      const left = snap((X(list[i].t) + X(list[j].t) - w) / 2);
      g.fillStyle = theme.X;
      g.strokeStyle = theme["X-e"];
      g.lineWidth = 1;
      g.beginPath();
      g.roundRect(left + 0.5, y - 7.5, w, 15, 3);
      g.fill();
      g.stroke();
      g.fillStyle = "#191a1c";
      g.textAlign = "center";
      g.fillText(String(n), left + w / 2 + 0.5, y + 0.5);
      g.textAlign = "left";
    } else for (let k = i; k <= j; k++) shape(g, list[k].kind, X(list[k].t), y, r);
    i = j + 1;
  }
}
