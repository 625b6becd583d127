// What the reader can press, choose and type on the replay page; each asks for an action by its name.

import { $, all, field, find, targetOf } from "../shell/dom.mjs";
import { momentIn, momentWords } from "./address.mjs";
import { SPEEDS, speedWords } from "./clock.mjs";
import { actionOf } from "./keys.mjs";
import { range, stage, whole } from "./stage.mjs";
import { connectStrip } from "./strip.mjs";
import { utcWords } from "./words.mjs";

const root = document.documentElement;
/** @type {Record<string, Action["do"]>} */
const BUTTONS = { "f-play": "play", "f-loop": "loop", "f-from": "from", "f-to": "to", "f-whole": "whole", "f-pin": "pin", "f-fit": "fit" };
const SAID_MS = 2_000;
const WRITE_A_TIME = "Enter a time in UTC as 2021-02-11 08:00, or a day as 2021-02-11.";

/** `on` = {act(action), scrub(t), settle(), asking(range), choose(range), address()}. @param {ReplayOn} on */
export function connectControls(on) {
  for (const [id, name] of Object.entries(BUTTONS)) $(id).addEventListener("click", () => on.act({ do: name }));
  $("f-prev").addEventListener("click", () => on.act({ do: "event", by: -1 }));
  $("f-next").addEventListener("click", () => on.act({ do: "event", by: 1 }));
  $("f-view").addEventListener("click", (event) => targetOf(event).dataset.knew && on.act({ do: "view", knew: targetOf(event).dataset.knew === "then" ? "then" : null }));
  $("f-list").addEventListener("change", () => on.act({ do: "list", list: field("f-list").value }));
  $("f-sort").addEventListener("change", () => on.act({ do: "sort", sort: field("f-sort").value }));
  $("f-speed").addEventListener("change", () => on.act({ do: "speed", to: Number(field("f-speed").value) }));
  $("f-speed").replaceChildren(...SPEEDS.map((speed) => new Option(speedWords(speed), String(speed))));
  $("f-goto").addEventListener("submit", (event) => {
    event.preventDefault();
    const t = momentIn(field("f-date").value);
    const why = whyNot(t);
    field("f-date").setCustomValidity(why);
    if (why) field("f-date").reportValidity();
    else on.act({ do: "go", t: Number(t) });
  });
  $("f-date").addEventListener("input", () => field("f-date").setCustomValidity(""));
  $("f-pair").addEventListener("click", (event) => {
    const { pair } = targetOf(event).dataset;
    if (pair) on.act({ do: pair === "off" ? "unpin" : "swap" });
  });
  connectStrip($("f-strip"), on);
  connectKeys(on);
  connectSaving(on);
}

/** Why a time cannot be gone to, in a sentence; empty when it can. @param {number | null} t */
function whyNot(t) {
  if (t === null) return WRITE_A_TIME;
  const [first, last] = whole();
  if (t > last) return `The film ends on ${utcWords(last)}. Enter an earlier time.`;
  return t < first ? `The film begins on ${utcWords(first)}. Enter a later time.` : "";
}

/** @param {ReplayOn} of */
function connectKeys({ act }) {
  document.addEventListener("keydown", (event) => {
    if (root.dataset.path !== "/replay" || event.defaultPrevented) return;
    const target = targetOf(event);
    const inFilm = target.closest("#film");
    // Who has come by a link of the navigation still has it in focus.
    if (!inFilm && target !== document.body && !target.closest(".nav")) return;
    if (target.closest("input, select, textarea, dialog")) return;
    if (target.closest("button") && event.key === " ") return; // which presses it
    const action = actionOf(event, target.id === "f-strip" ? "strip" : inFilm ? "film" : "page");
    if (!action) return;
    event.preventDefault();
    act(action);
  });
}

/** @param {ReplayOn} on */
function connectSaving(on) {
  /** @param {HTMLElement} button @param {string} words */
  const said = (button, words) => {
    const usual = (button.dataset.usual ??= button.textContent);
    button.textContent = words;
    setTimeout(() => (button.textContent = usual), SAID_MS);
  };
  $("f-copy").addEventListener("click", async () => {
    on.settle();
    try {
      await navigator.clipboard.writeText(on.address());
      said($("f-copy"), "Copied");
    } catch {
      // Without TLS there is no clipboard: the address bar has the same link.
      said($("f-copy"), "Copy the address bar");
    }
  });
  // Only who saves a picture needs what makes one.
  $("f-png").addEventListener("click", async () => (await import("./sheet.mjs")).savePicture());
  // The film may have gone on since they were written.
  $("f-csv").addEventListener("click", () => link("f-csv", tableAddress()));
  $("f-story").addEventListener("click", () => link("f-story", storyAddress()), { capture: true });
  $("f-clip").addEventListener("click", async () => (await import("./clip.mjs")).open(await limits()));
}

/** What films the server can make, asked for once the page stands. @type {Promise<Limits> | null} */
let offered = null;

/** Offer a film as a file where the server can make one. */
export async function offerClip() {
  $("f-clip").hidden = (await limits()).forms.length === 0;
}

const limits = () => (offered ??= fetch("/api/replay/clip").then((answer) => (answer.ok ? answer.json() : { forms: [] })));

/** The states of all accounts at the moment, as the server exports them. */
function tableAddress() {
  const fields = new URLSearchParams({ format: "csv", at: new Date(stage.t).toISOString() });
  if (stage.knew !== null) fields.set("as_known_at", new Date(stage.knew === "then" ? stage.t : stage.knew).toISOString());
  const list = stage.snapshot.lists.find((l) => String(l.id) === stage.list);
  if (list) fields.set("list", list.name);
  return `/api/v1/export/states?${fields}`;
}

/** A new story of the range that begins with this moment. */
function storyAddress() {
  const [from, to] = range();
  const fields = { from, to, at: stage.t, ...(stage.knew === null ? {} : { as_known_at: stage.knew === "then" ? stage.t : stage.knew }) };
  const list = stage.list === "all" ? {} : { list: stage.list };
  const times = Object.entries(fields).map(([name, t]) => [name, momentWords(Number(t))]);
  return `/stories/new?${new URLSearchParams([...times, ...Object.entries(list)])}`;
}

/** @param {Element} button @param {boolean} on */
const press = (button, on) => button.setAttribute("aria-pressed", String(on));

/** @param {string} id @param {string} href */
const link = (id, href) => (/** @type {HTMLAnchorElement} */ ($(id)).href = href);

/** Show in the controls what is chosen. */
export function showChoices() {
  const { playing } = stage;
  const lists = [["all", "All accounts"], ...stage.lists];
  const key = JSON.stringify(lists);
  if ($("f-list").dataset.of !== key) {
    $("f-list").dataset.of = key;
    $("f-list").replaceChildren(...lists.map(([value, label]) => new Option(label, value)));
  }
  field("f-list").value = stage.list;
  field("f-sort").value = stage.sort;
  field("f-speed").value = String(stage.speed);
  $("f-play").setAttribute("aria-label", playing ? "Pause" : "Play");
  find($("f-play"), "use").setAttribute("href", playing ? "#i-pause" : "#i-play");
  press($("f-loop"), stage.loop);
  press($("f-fit"), stage.fit);
  $("f-board").classList.toggle("fit", stage.fit);
  for (const button of all($("f-view"), "button")) press(button, (button.dataset.knew === "then") === (stage.knew !== null));
  if (document.activeElement !== $("f-date")) field("f-date").value = momentWords(stage.t).replace("T", " ").replace(/(\.\d+)?Z$/, "");
  $("f-pin").textContent = stage.pinned ? "Move A here" : "Pin as A";
  link("f-csv", tableAddress());
  link("f-story", storyAddress());
}
