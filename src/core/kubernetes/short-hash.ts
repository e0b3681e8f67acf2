/**
 * Returns FNV-1a, 53 bits from two passes, in base 36: short names that differ when their content differs.
 * Not for security.
 */
export function shortHash(text: string): string {
  const high = fnv1a(text, 0x811c9dc5);
  const low = fnv1a(text, 0x01000193);
  return (high * 0x200000 + (low >>> 11)).toString(36);
}

function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
