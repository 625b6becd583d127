// The first answer as it comes: tables as typed columns, and after them what happened since they were packed.

const TYPES = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f64: Float64Array };
const MISSING = { u8: 0xff, u16: 0xffff, u32: 0xffffffff };

/** {snapshot, news}: the tables by column, as the plain JSON would have them, and the delta to fold in (or null). */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const { tables, size, ...snapshot } = parsed(buffer, 4, length);
  const start = 4 + length;
  for (const [name, columns] of Object.entries(tables)) {
    snapshot[name] = Object.fromEntries(Object.entries(columns).map(([key, column]) => [key, values(buffer, start, column)]));
  }
  const rest = buffer.byteLength - start - size;
  return { snapshot, news: rest ? parsed(buffer, start + size, rest) : null };
}

const parsed = (buffer, from, length) => JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, from, length)));

function values(buffer, start, { type, at, n, base, missing, words }) {
  const column = new TYPES[type](buffer, start + at, n);
  if (!words && !missing && base === 0) return column;
  const none = MISSING[type];
  const out = new Array(n);
  for (let i = 0; i < n; i++) {
    const v = column[i];
    if (words) out[i] = words[v + base];
    else out[i] = missing && (v === none || v !== v) ? null : v + base;
  }
  return out;
}

/** A table by column as rows by name; none where there is no table. */
export function rows(table) {
  if (!table) return [];
  const names = Object.keys(table);
  const n = names.length ? table[names[0]].length : 0;
  const out = new Array(n);
  for (let i = 0; i < n; i++) {
    const row = {};
    for (const name of names) row[name] = table[name][i];
    out[i] = row;
  }
  return out;
}
