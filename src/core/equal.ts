/** Whether two values of plain data (objects, arrays, primitives) are equal in content. Fields that are undefined count as absent. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Fields, b as Fields];
  const isSame = (key: string) => isEqual(own(left, key), own(right, key));
  return Object.keys(left).every(isSame) && Object.keys(right).every((key) => key in left || isSame(key));
}

type Fields = Readonly<Record<string, unknown>>;

const own = (fields: Fields, key: string): unknown => (Object.hasOwn(fields, key) ? fields[key] : undefined);
