/**
 * Returns the value of a table for a key from outside (a server, a Secret, a spec). A plain index would also
 * find the properties of every object, such as `constructor` and `toString`.
 */
export const lookUp = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** Returns a member of a value that was not validated; undefined: it has none. */
export const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
