/**
 * Compares plain data (objects, arrays, primitives) as JSON does: a field that is undefined is absent, and
 * the order of fields does not count.
 *
 * @param ignored fields of the outermost object
 */
export function isSame(a: unknown, b: unknown, ignored: readonly string[] = []): boolean {
  if (a === b) return true;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const isLike = (key: string): boolean => ignored.includes(key) || isSame(own(a, key), own(b, key));
  return Object.keys(a).every(isLike) && Object.keys(b).every((key) => Object.hasOwn(a, key) || isLike(key));
}

type Fields = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (fields: Fields, key: string): unknown => (Object.hasOwn(fields, key) ? fields[key] : undefined);
