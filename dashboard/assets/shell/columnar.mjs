// The first answer as it comes: tables as typed columns, and after them what happened since they were packed.

const TYPES = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f64: Float64Array };
const MISSING = { u8: 0xff, u16: 0xffff, u32: 0xffffffff, f64: Number.NaN };

/**
 * {snapshot, news}: the tables by column, as the plain JSON would have them, and the delta to fold in (or null).
 * @param {ArrayBuffer} buffer @returns {{ snapshot: any, news: any }}
 */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const { tables, size, ...snapshot } = parsed(buffer, 4, length);
  const start = 4 + length;
  for (const [name, columns] of Object.entries(/** @type {Record<string, Record<string, Packed>>} */ (tables))) {
    snapshot[name] = Object.fromEntries(Object.entries(columns).map(([key, column]) => [key, values(buffer, start, column)]));
  }
  const rest = buffer.byteLength - start - size;
  return { snapshot, news: rest ? parsed(buffer, start + size, rest) : null };
}

/** @param {ArrayBuffer} buffer @param {number} from @param {number} length */
const parsed = (buffer, from, length) => JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, from, length)));

/** @param {ArrayBuffer} buffer @param {number} start @param {Packed} of */
function values(buffer, start, { type, at, n, base, missing, words }) {
  const column = new TYPES[type](buffer, start + at, n);
  if (!words && !missing && base === 0) return column;
  const none = MISSING[type];
  const out = new Array(n);
  for (let i = 0; i < n; i++) {
    const v = column[i];
    if (words) out[i] = words[v + base];
    else out[i] = missing && (v === none || Number.isNaN(v)) ? null : v + base;
  }
  return out;
}

/**
 * A table by column as rows by name; none where there is no table.
 * @template Row
 * @param {Table<Row> | undefined} table @returns {Row[]}
 */
export function rows(table) {
  if (!table) return [];
  const names = /** @type {(keyof Row)[]} */ (Object.keys(table));
  const n = names.length ? table[names[0]].length : 0;
  const out = new Array(n);
  for (let i = 0; i < n; i++) {
    const row = /** @type {Row} */ ({});
    for (const name of names) row[name] = table[name][i];
    out[i] = row;
  }
  return out;
}
