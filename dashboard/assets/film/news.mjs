// What came since the film was packed.

/** The snapshot with the news in it: what is told anew of an account or a change replaces what was told before. */
export function mergeNews(snapshot, news) {
  return { ...snapshot, ...news };
}
