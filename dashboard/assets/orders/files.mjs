// Files that somebody chose, or dropped on a form of an order: read as text, or sent to be attached.

import { unchanged } from "../shell/answers.mjs";

const MOST_BYTES = 20 * 1024 * 1024;
const MOST_TEXT = 2_000_000;

/** The bytes of a file as Dash hands them over. @param {string} contents */
function bytesOf(contents) {
  const plain = atob(contents.slice(contents.indexOf(",") + 1));
  const bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) bytes[i] = plain.charCodeAt(i);
  return bytes;
}

/** What is in a list of names, below what is in the field already; and what is said of it.
 * @param {string | null} contents @param {string | null} name @param {string | null} present
 */
export function textOf(contents, name, present) {
  if (!contents) return [present ?? "", ""];
  const bytes = bytesOf(contents);
  if (bytes.length > MOST_TEXT) return [present ?? "", `${name} is larger than 2 MB. Split the list.`];
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (text.includes("\0")) throw new TypeError("binary");
    return [present ? `${present.trimEnd()}\n${text}` : text, `The names of ${name} are in the field.`];
  } catch {
    return [present ?? "", `${name} is not a text file. Copy the names out of it and paste them.`];
  }
}

/** What is said of a file that was chosen. @param {string | null} contents @param {string | null} name */
export function chosenFile(contents, name) {
  if (!contents) return "";
  const size = bytesOf(contents).length;
  if (size > MOST_BYTES) return `${name} is larger than 20 MB, so it cannot be attached.`;
  return `Chosen: ${name} (${size.toLocaleString("en")} bytes)`;
}

/** Send the file; what is said of it, what stays in the field of the file, and how often something was attached.
 * @param {number | null} pressed @param {number} order @param {string | null} contents @param {string | null} name @param {string | null} source @param {number} done
 */
export async function attach(pressed, order, contents, name, source, done) {
  if (!pressed) return ["", contents, done];
  if (!contents || !name) return ["Choose a file first.", contents, done];
  if (!source?.trim()) return ["Source is empty.", contents, done];
  const fields = new URLSearchParams({ name, source: source.trim() });
  const headers = { "Content-Type": "application/octet-stream" };
  try {
    const answer = await fetch(`/api/v1/orders/${order}/documents?${fields}`, { method: "POST", headers, body: bytesOf(contents) });
    const stored = await answer.json();
    if (!answer.ok) return [stored.detail ?? unchanged, contents, done];
    return [`${stored.name} is attached. Its SHA-256 is ${stored.sha256}.`, null, done + 1];
  } catch {
    return [unchanged, contents, done];
  }
}
