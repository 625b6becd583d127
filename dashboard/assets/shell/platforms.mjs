// The installed platforms, as the document brings them: their names and what each calls its statuses.

/** @type {Record<Platform, PlatformWords>} */
export const PLATFORMS = JSON.parse(globalThis.document?.documentElement.dataset.platforms ?? "{}");
