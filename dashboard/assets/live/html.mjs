// Text that comes from outside (handles, sources, names) passes through here before it becomes HTML.

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escape = (words) => String(words).replace(/[&<>"']/g, (c) => ENTITIES[c]);
