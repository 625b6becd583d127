// The range as a film in a file: drawn here picture by picture, made one file by the server's ffmpeg.

import { failure } from "../shell/answers.mjs";
import { $, download, field, pictureOf } from "../shell/dom.mjs";
import { MINUTE } from "../shell/time.mjs";
import { within } from "./clock.mjs";
import { drawSheet, fileName } from "./sheet.mjs";
import { go, range, stage } from "./stage.mjs";

const PER_SECOND = 15;
const WIDTH = 1280;
const HEIGHT = 960;
const QUALITY = 0.9;
const NAMES = { mp4: "MP4", webm: "WebM", gif: "GIF" };
/** @type {AbortController | null} */
let stopped = null;

/** `limits` = {forms, frames, bytes} of the server. @param {Limits} limits */
export function open(limits) {
  const form = $("f-clip-form");
  form.hidden = !form.hidden;
  if (form.hidden || form.dataset.connected) return;
  form.dataset.connected = "";
  $("f-clip-kind").replaceChildren(...limits.forms.map((kind) => new Option(NAMES[kind], kind)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!stopped) make(field("f-clip-kind").value, Number(field("f-clip-length").value), limits);
  });
  $("f-clip-stop").addEventListener("click", () => stopped?.abort());
}

/** @param {string} kind @param {number} seconds @param {Limits} limits */
async function make(kind, seconds, limits) {
  const before = { t: stage.t, playing: stage.playing };
  stage.playing = false;
  stopped = new AbortController();
  $("f-clip-stop").hidden = false;
  try {
    const frames = Math.min(limits.frames, seconds * PER_SECOND);
    const pictures = await drawn(frames, limits.bytes, stopped.signal);
    go(before.t);
    say("Encoding …");
    const query = new URLSearchParams({ format: kind, frames: String(frames), rate: String(PER_SECOND) });
    const answer = await fetch(`/api/replay/clip?${query}`, { method: "POST", body: pictures, signal: stopped.signal });
    if (!answer.ok) throw new Error((await answer.json()).error ?? "The server could not make the film.");
    download(await answer.blob(), fileName(kind));
    say("Saved.");
  } catch (error) {
    say(error instanceof DOMException && error.name === "AbortError" ? "Stopped." : failure(error));
  } finally {
    go(before.t);
    stopped = null;
    $("f-clip-stop").hidden = true;
  }
}

/** The pictures of the range, one after the other as JPEG. @param {number} frames @param {number} most @param {AbortSignal} signal */
async function drawn(frames, most, signal) {
  const [from, to] = range();
  // Seconds are not shown where a picture spans a thousand of them.
  const grain = (to - from) / frames > MINUTE ? MINUTE : 1_000;
  const canvas = document.createElement("canvas");
  const out = [];
  let bytes = 0;
  for (let i = 0; i < frames; i++) {
    signal.throwIfAborted();
    go(within([from, to], Math.round((from + ((to - from) * i) / Math.max(1, frames - 1)) / grain) * grain));
    drawSheet(canvas, WIDTH, HEIGHT);
    const picture = await pictureOf(canvas, "image/jpeg", QUALITY);
    bytes += picture.size;
    if (bytes > most) throw new Error("The pictures are too large for the server. Choose a shorter film.");
    out.push(picture);
    say(`Drawing ${i + 1} of ${frames}`);
  }
  return new Blob(out);
}

/** @param {string} words */
const say = (words) => ($("f-clip-said").textContent = words);
