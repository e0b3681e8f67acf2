import { formatHostPort, type Check } from '../probing/check.ts';
import type { Health } from '../health/state.ts';
import { warningFor } from '../health/warnings.ts';
import type { Role } from '../role.ts';
import type { BackendEvent } from './backend-event.ts';

/** Returns the Event of a warning that begins; undefined: none begins. */
export function warningEvent(check: Check, before: Health, after: Health): BackendEvent | undefined {
  if (after.state === 'unhealthy') return undefined;
  if (before.state !== 'unhealthy' && before.reason === after.reason) return undefined;
  const role = after.replication?.role;
  const { degraded, text } = warningFor(after.reason, role) ?? {};
  if (text === undefined || after.reason === '') return undefined;
  const about = formatHostPort(check);
  const what = [text.replace('{}', about), after.message].filter((each) => each !== '').join(': ');
  const stays = `the address stays ${after.state}`;
  const note = degraded === 'LoginsRefused' ? `${what}; ${stays} ${roleText(role)}` : `${what}; ${stays}`;
  return { type: 'Warning', reason: after.reason, action: 'Probe', about, note };
}

const roleText = (role: Role | undefined): string =>
  role === undefined ? 'and its role is not known' : `and keeps its last known role ${role}`;
