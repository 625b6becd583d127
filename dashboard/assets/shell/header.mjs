// What stands above every page: the zone, the theme, who is logged in, and whether the connection lives.

import { json, silent } from "./answers.mjs";
import { $, press, say, targetOf } from "./dom.mjs";
import { recalled, remember } from "./memory.mjs";
import { setZone } from "./time.mjs";

const root = document.documentElement;

const dark = matchMedia("(prefers-color-scheme: dark)");
const ofSystem = () => (dark.matches ? "dark" : "light");

/** `on` = {zone(), theme()}: called after another one was chosen. @param {{ zone(): void, theme(): void }} on */
export function connectHeader(on) {
  setZone(root.dataset.zone);
  press($("zone"), "zone", root.dataset.zone);
  $("zone").addEventListener("click", (event) => {
    const name = targetOf(event).dataset.zone;
    if (!name) return;
    root.dataset.zone = name;
    remember("blockline.zone", name);
    setZone(name);
    press($("zone"), "zone", name);
    on.zone();
  });
  $("theme").addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    // Who chooses what the system has follows it again.
    remember("blockline.theme", root.dataset.theme === ofSystem() ? null : root.dataset.theme);
    on.theme();
  });
  dark.addEventListener("change", () => {
    if (recalled("blockline.theme") !== null || root.dataset.theme === ofSystem()) return;
    root.dataset.theme = ofSystem();
    on.theme();
  });
  const more = $("nav-more");
  more.addEventListener("click", (event) => targetOf(event).closest("a") && more.matches(":popover-open") && more.hidePopover());
  connectMe($("me-menu"));
}

/** Who is logged in is asked for when somebody opens the menu, so that no page waits for it. @param {HTMLElement} menu */
function connectMe(menu) {
  menu.addEventListener("toggle", async (event) => {
    if (event.newState !== "open") return;
    try {
      const { name, role } = await json(fetch("/api/people/me"));
      $("me-who").textContent = name === null ? `No login: every visitor has the role ${role}` : `${name}, ${role}`;
      $("me-out").hidden = name === null;
    } catch {
      $("me-who").textContent = silent;
    }
  });
  menu.addEventListener("click", (event) => targetOf(event).closest("a") && menu.hidePopover());
}

/** @param {string} kind @param {string} word @param {string} age */
export function showPill(kind, word, age) {
  const pill = $("pill");
  if (pill.dataset.state !== kind) pill.dataset.state = kind;
  $("pill-word").textContent = word;
  $("pill-age").textContent = age;
}

/** @param {string | null} sentence */
export function showBanner(sentence) {
  $("banner").hidden = !sentence;
  if (!sentence) return;
  say($("banner-text"), `${sentence} You see the last data that arrived. It is updated when the connection is back.`);
}
