/** Compares as JSON does: a field that is undefined is absent, and the order of fields is none. `ignored`: fields of the outermost object. */
export function isSame(a: unknown, b: unknown, ignored: readonly string[] = []): boolean {
  if (a === b) return true;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((each, i) => isSame(each, b[i]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const isLike = (key: string): boolean => ignored.includes(key) || isSame(a[key], b[key]);
  return (
    Object.keys(a).every(isLike) &&
    Object.keys(b).every((key) => b[key] === undefined || a[key] !== undefined || ignored.includes(key))
  );
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
