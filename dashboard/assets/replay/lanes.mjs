// The lanes of the film: those of Live, with what differs by when it was known in violet, dashed and named.

import { Lanes } from "../board/lanes.mjs";
import { snap, theme } from "../board/marks.mjs";
import { shown, stage } from "./stage.mjs";
import { lateWord } from "./words.mjs";

/**
 * A dashed box over the time for which another status is known now than was known then.
 * @param {Ctx} g @param {number} x0 @param {number} x1 @param {number} y @param {number} height
 */
export function differenceBox(g, x0, x1, y, height) {
  const left = snap(Math.min(x0, x1 - 6));
  const w = snap(x1) - left;
  g.fillStyle = theme["diff-wash"];
  g.fillRect(left, y, w, height);
  g.strokeStyle = theme.diff;
  g.lineWidth = 1.25;
  g.setLineDash([3, 2]);
  g.strokeRect(left + 0.6, y + 0.6, Math.max(1, w - 1.2), height - 1.2);
  g.setLineDash([]);
}

/** From when on what was known of an account is not what was so. @param {Difference} of */
export function differsFrom({ account, why }) {
  const then = stage.then.all[account.i];
  if (why === "read later") return then.last ?? account.spells.at(-1)?.from ?? stage.t;
  const spell = stage.was.all[account.i].spells.at(-1);
  return spell ? spell.from : then.last ?? stage.t;
}

export class FilmLanes extends Lanes {
  /** What differs, by the place of the account. @type {Map<number, Difference>} */
  differing = new Map();

  /** @param {Ctx} g @param {Account} account @param {Scale} X @param {number} y @param {number} height */
  paint(g, account, X, y, height) {
    super.paint(g, account, X, y, height);
    const difference = this.differing.get(account.i);
    if (difference && stage.knew !== null) differenceBox(g, Math.max(0, X(differsFrom(difference))), X(stage.t), y, height);
  }

  /** @param {Account} account @param {number} t @returns {LaneWord} */
  wordOf(account, t) {
    const difference = this.differing.get(account.i);
    if (!difference) {
      if (!shown().here[account.i]) return { text: "Not watched", icon: "U", provisional: false };
      return super.wordOf(account, t);
    }
    const usual = super.wordOf(account, t);
    const text = stage.knew === null ? usual.text : lateWord(difference, stage.t);
    return { ...usual, text, mark: " differs" };
  }
}
