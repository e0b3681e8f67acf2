/**
 * Returns a wall time in milliseconds as MicroTime of Kubernetes: RFC 3339 with exactly six digits of a
 * second, in UTC.
 */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}
