// Rows by whom they are about.

/** The places of rows by their number from 0 to n: `order[start[i]]` to `order[start[i + 1] - 1]` are those of i. */
export function placesOf(numbers, n, compare = null) {
  const start = new Int32Array(n + 1);
  for (const i of numbers) if (i >= 0) start[i + 1] += 1;
  for (let i = 0; i < n; i++) start[i + 1] += start[i];
  const next = start.slice();
  const order = new Int32Array(start[n]);
  numbers.forEach((i, j) => {
    if (i >= 0) order[next[i]++] = j;
  });
  if (compare) for (let i = 0; i < n; i++) if (start[i + 1] - start[i] > 1) order.subarray(start[i], start[i + 1]).sort(compare);
  return { start, order };
}
