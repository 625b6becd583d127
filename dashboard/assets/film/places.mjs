// Rows by whom they are about.

/**
 * The places of rows by their number from 0 to n: `order[start[i]]` to `order[start[i + 1] - 1]` are those of i.
 * @param {Int32Array} numbers @param {number} n @param {((a: number, b: number) => number) | null} [compare]
 */
export function placesOf(numbers, n, compare = null) {
  const start = new Int32Array(n + 1);
  for (const i of numbers) if (i >= 0) start[i + 1] += 1;
  for (let i = 0; i < n; i++) start[i + 1] += start[i];
  const next = start.slice();
  const order = new Int32Array(start[n]);
  numbers.forEach((i, j) => {
    if (i >= 0) order[next[i]++] = j;
  });
  if (!compare) return { start, order };
  for (let i = 0; i < n; i++) {
    for (let k = start[i] + 1; k < start[i + 1]; k++) {
      if (compare(order[k - 1], order[k]) <= 0) continue;
      order.subarray(start[i], start[i + 1]).sort(compare);
      break;
    }
  }
  return { start, order };
}

/**
 * The numbers of a column in another order; `missing` stands for null, and `lag`, where it is given, is added.
 * @param {Int32Array} order @param {ArrayLike<number | null>} column @param {number} [missing] @param {ArrayLike<number> | null} [lag]
 */
export function picked(order, column, missing = 0, lag = null) {
  const out = new Float64Array(order.length);
  for (let k = 0; k < out.length; k++) {
    const j = order[k];
    out[k] = column[j] === null ? missing : lag ? column[j] + lag[j] : column[j];
  }
  return out;
}

/**
 * The rows of a table of which `keep(place)` says so, as a table.
 * @template Row
 * @param {Table<Row>} table @param {(j: number) => boolean} keep @returns {Table<Row>}
 */
export function rowsOf(table, keep) {
  const columns = /** @type {[string, any[]][]} */ (Object.entries(table));
  const places = Array.from(columns[0]?.[1] ?? [], (_, j) => j).filter(keep);
  return /** @type {Table<Row>} */ (Object.fromEntries(columns.map(([name, column]) => [name, places.map((j) => column[j])])));
}
