// The known times of all accounts up to a moment, as `counts.mjs` of Live takes them.

/** Columns {n, start, first, s, from, to}: those of one account in a row, silences left out. */
export function known(state) {
  const { spells, reads } = state.film;
  const { all, now, by, gapAfter, lasts, gapsOfGroups } = state;
  const out = (state.room ??= emptyFor(all.length, spells.from.length + 1024));
  out.n = 0;
  out.first.fill(Infinity);
  for (let i = 0; i < all.length; i++) {
    out.start[i] = out.n;
    const last = lasts[i];
    const until = now - last <= gapAfter ? Infinity : last + 1;
    let gaps = null;
    for (let v = spells.start[i]; v < spells.start[i + 1] && spells.from[v] <= now; v++) {
      if (spells.known[v] > by || spells.until[v] <= by) continue;
      gaps ??= reads.gapsOf(i, gapsOfGroups[reads.groupOf[i]], now, by);
      let from = spells.from[v];
      if (out.first[i] === Infinity) out.first[i] = from;
      const end = Math.min(spells.to[v] <= now ? spells.to[v] : Infinity, until);
      for (const [a, b] of gaps) {
        if (b <= from || a >= end) continue;
        put(out, spells.s[v], from, a + 1);
        from = b;
      }
      put(out, spells.s[v], from, end);
    }
  }
  out.start[all.length] = out.n;
  return out;
}

function emptyFor(accounts, room) {
  const out = { n: 0, start: new Int32Array(accounts + 1), first: new Float64Array(accounts) };
  grow(out, room);
  return out;
}

function put(out, s, from, to) {
  if (to <= from) return;
  if (out.n === out.room) grow(out, 2 * out.room);
  out.s[out.n] = s;
  out.from[out.n] = from;
  out.to[out.n] = to;
  out.n += 1;
}

function grow(out, room) {
  const { s, from, to } = out;
  Object.assign(out, { room, s: new Uint8Array(room), from: new Float64Array(room), to: new Float64Array(room) });
  if (!s) return;
  out.s.set(s);
  out.from.set(from);
  out.to.set(to);
}
