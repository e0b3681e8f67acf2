/** Units of an age, with the number up to which the smaller unit is also shown. */
const units = [
  { name: 'd', ms: 86_400_000, next: 'h', upTo: 8 },
  { name: 'h', ms: 3_600_000, next: 'm', upTo: 8 },
  { name: 'm', ms: 60_000, next: 's', upTo: 10 },
  { name: 's', ms: 1_000, next: '', upTo: 0 },
] as const;

/** Returns the age of a time as kubectl writes it, such as 12s, 3m4s or 5d; a hyphen without a time. */
export function ageOf(time: string | undefined, wall: number): string {
  const since = Date.parse(time ?? '');
  if (Number.isNaN(since) || since <= 0) return '-';
  const age = Math.max(0, wall - since);
  const index = units.findIndex(({ ms }) => age >= (ms === 1_000 ? 0 : 2 * ms));
  const unit = units[index];
  if (unit === undefined) return '-';
  const count = Math.floor(age / unit.ms);
  const smaller = units[index + 1];
  const rest = smaller === undefined ? 0 : Math.floor((age % unit.ms) / smaller.ms);
  return `${count}${unit.name}${count < unit.upTo && rest > 0 && smaller !== undefined ? `${rest}${smaller.name}` : ''}`;
}
