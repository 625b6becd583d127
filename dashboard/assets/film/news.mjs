// What came since the film was packed.

/** The snapshot with the news in it. Of whoever is touched all is told anew, and replaces what was told before. */
export function mergeNews(snapshot, news) {
  const touched = new Set(news.touched);
  const words = snapshot.words.length;
  const countries = snapshot.countries.length;
  const known = new Set(news.signals.id);
  const mails = new Set(news.mails.map((m) => m.id));
  const changes = ofThem(snapshot.changes, touched);
  const replaced = new Set(changes);
  const read = readOn(snapshot, news.reads);
  return {
    ...snapshot,
    id: news.id, now: news.now, lists: news.lists, orders: news.orders, events: news.events, executives: news.executives,
    accounts: { ...snapshot.accounts, group: read.group, handle: renamed(snapshot.accounts, new Map(news.renames)) },
    runs: read.runs,
    words: [...snapshot.words, ...news.words], countries: [...snapshot.countries, ...news.countries],
    spells: joined(snapshot.spells, (j, t) => !touched.has(t.account[j]), { ...news.spells, w: moved(news.spells.w, words), c: moved(news.spells.c, countries) }),
    changes: joined(snapshot.changes, (j, t) => !touched.has(t.account[j]), { ...news.changes, w: moved(news.changes.w, words), h: moved(news.changes.h, words) }),
    steps: joined(snapshot.steps, (j, t) => !replaced.has(t.change[j]), news.steps),
    signals: joined(snapshot.signals, (j, t) => !known.has(t.id[j]), news.signals),
    mails: [...snapshot.mails.filter((m) => !mails.has(m.id)), ...news.mails],
  };
}

const moved = (numbers, by) => numbers.map((n) => n + by);

const renamed = ({ id, handle }, names) => Array.from(handle, (name, i) => names.get(id[i]) ?? name);

/** The numbers of the changes of these accounts. */
function ofThem({ account, id }, touched) {
  return Array.from(id).filter((_, j) => touched.has(account[j]));
}

function joined(table, keeps, more) {
  const rows = Array.from(Object.values(table)[0] ?? [], (_, j) => j).filter((j) => keeps(j, table));
  return Object.fromEntries(Object.keys(table).map((name) => [name, [...rows.map((j) => table[name][j]), ...more[name]]]));
}

/**
 * The groups and runs with what was read since: accounts of one group that were read alike stay together. Told again,
 * a reading changes nothing.
 */
function readOn({ accounts, runs, rosters, apart, recorded_within }, reads) {
  const groups = [];
  for (let j = 0; j < runs.group.length; j++) {
    (groups[runs.group[j]] ??= []).push({ a: runs.a[j], ar: runs.ar[j], b: runs.b[j], br: runs.br[j] });
  }
  for (const group of accounts.group) if (group !== null) groups[group] ??= [];
  for (const list of groups) list?.sort((x, y) => x.a - y.a);
  const place = new Map(Array.from(accounts.id, (id, i) => [id, i]));
  const group = Array.from(accounts.group);
  for (const [roster, at, lag, answered] of reads) {
    const next = new Map();
    for (const id of answered ?? rosters[roster]) {
      const i = place.get(id);
      if (i === undefined) continue;
      const old = group[i];
      if (!next.has(old)) {
        const list = withReading(groups[old], { a: at, ar: lag, b: at, br: lag }, apart, recorded_within);
        next.set(old, list === groups[old] ? old : groups.push(list) - 1);
      }
      group[i] = next.get(old);
    }
  }
  const told = { group: [], a: [], ar: [], b: [], br: [] };
  const numbers = new Map();
  const used = group.map((old) => {
    if (!numbers.has(old)) {
      const number = numbers.size;
      numbers.set(old, number);
      for (const run of groups[old] ?? []) {
        told.group.push(number);
        for (const name of ["a", "ar", "b", "br"]) told[name].push(run[name]);
      }
    }
    return numbers.get(old);
  });
  return { group: used, runs: told };
}

/** The runs with one more reading; the same ones where it tells nothing more. */
function withReading(runs, reading, apart, within) {
  const isPunctual = (run) => run.ar <= within;
  const k = runs.findLastIndex((run) => run.a <= reading.a);
  const before = runs[k];
  if (before && reading.a <= before.b && (isPunctual(before) || before.a === reading.a)) return runs;
  const joins = before && isPunctual(before) && isPunctual(reading) && reading.a - before.b <= apart;
  const run = joins ? { ...before, b: reading.b, br: reading.br } : reading;
  return [...runs.slice(0, joins ? k : k + 1), run, ...runs.slice(k + 1)];
}
