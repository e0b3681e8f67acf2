import type { Check } from '../core/check.ts';

/** Whether both ask the same thing of the same address; when and how often may differ. */
export function sameQuestion(a: Check, b: Check): boolean {
  return (
    a.ip === b.ip &&
    a.port === b.port &&
    a.host === b.host &&
    a.family === b.family &&
    equal(a.handler, b.handler)
  );
}

export function sameCheck(a: Check, b: Check): boolean {
  return a === b || (a.id === b.id && sameQuestion(a, b) && equal(a.timing, b.timing));
}

/** Deep equality of plain JSON values; an absent field equals an undefined one. */
function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  for (const key of Object.keys(a)) if (!equal(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
