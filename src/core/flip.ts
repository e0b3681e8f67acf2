import type { Check } from './check.ts';
import type { Health } from './health.ts';

/** What is told of a flip: the reason is the verdict's. */
export interface Flip {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: 'Publish' | 'Unpublish';
  readonly note: string;
}

/**
 * The Event of a flip; undefined where there is nothing to tell.
 *
 * | from      | to        | Event                 |
 * |-----------|-----------|-----------------------|
 * | unknown   | healthy   | none: it has just begun |
 * | unhealthy | healthy   | Normal                |
 * | any       | unhealthy | Warning               |
 * | same      | same      | none: the role or the lag changed |
 */
export function flipOf(check: Check, before: Health, after: Health): Flip | undefined {
  if (before.state === after.state) return undefined;
  const address = checkAddress(check);
  const words = [after.reason, after.message].filter((text) => text !== '').join(': ');
  if (after.state === 'unhealthy')
    return note(
      'Warning',
      'Unpublish',
      after,
      `${address} is unhealthy and receives no new connections: ${words}`,
    );
  if (before.state === 'unhealthy')
    return note('Normal', 'Publish', after, `${address} is healthy again: ${words}`);
  return undefined;
}

const note = (type: Flip['type'], action: Flip['action'], after: Health, text: string): Flip => ({
  type,
  action,
  reason: after.reason === '' ? 'HealthChanged' : after.reason,
  note: text,
});

/** What is dialled, as text: `10.20.0.11:5432`, `[2001:db8::1]:5432`; the IP alone for icmp. */
export function checkAddress({ ip, family, port }: Pick<Check, 'ip' | 'family' | 'port'>): string {
  if (port === 0) return ip;
  return family === 'IPv6' ? `[${ip}]:${port}` : `${ip}:${port}`;
}
