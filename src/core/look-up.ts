/**
 * Returns the value of a table under a key from outside (a server, a Secret, a spec). A plain index would also
 * find what every object has: `constructor`, `toString`.
 */
export const lookUp = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;
