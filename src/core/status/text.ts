/** Returns RFC 3339 in whole seconds, as Kubernetes writes times. */
export const timestamp = (wallMs: number): string => new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');

/** Limits a message to the length that the API server accepts. */
export const truncate = (text: string): string => (text.length <= 1024 ? text : `${text.slice(0, 1020)} ...`);

/** Joins the texts that are not empty, with a colon. */
export const joinNonEmpty = (...texts: readonly (string | undefined)[]): string =>
  texts.filter((text) => text !== undefined && text !== '').join(': ');

export const formatIps = (addresses: readonly { readonly ip: string }[]): string =>
  addresses.map(({ ip }) => ip).join(', ');
