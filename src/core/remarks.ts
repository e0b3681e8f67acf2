import { checkAddress, type Check } from './check.ts';
import type { Health } from './health-state.ts';
import type { Role, Verdict } from './verdict.ts';

/** Of these a healthy address needs no words. Empty: seeded, and not asked since. */
const calm: readonly string[] = ['Connected', 'Responded', ''];

export const isCalm = (reason: string): boolean => calm.includes(reason);

/**
 * What verdicts that leave the state as it is do to the reason that is shown.
 *
 * | state            | verdict                                              | reason and message after          |
 * |------------------|------------------------------------------------------|-----------------------------------|
 * | any              | inconclusive Cancelled                               | same                              |
 * | any              | down                                                 | same, and what was heard is forgotten |
 * | unhealthy        | any                                                  | same: what made it unhealthy      |
 * | healthy, unknown | with the reason that is shown                        | same                              |
 * | healthy, unknown | up Connected, Responded, and such a reason is shown  | same                              |
 * | healthy, unknown | up Connected, Responded, and another one is shown    | the verdict's, at once            |
 * | healthy, unknown | up or inconclusive with any other reason             | the verdict's, after failureThreshold of them in a row |
 *
 * So a login that is refused now and then is no write, and one that works again is seen at once.
 */
export function remark(health: Health, verdict: Verdict, failureThreshold: number): Health {
  const { reason, message } = verdict;
  if (reason === 'Cancelled') return health;
  const { heard, ...rest } = health;
  const isSame = reason === health.reason || (isCalm(reason) && isCalm(health.reason));
  if (verdict.kind === 'down' || health.state === 'unhealthy' || isSame)
    return heard === undefined ? health : rest;
  const run = heard?.reason === reason ? heard.run + 1 : 1;
  const isDue = isCalm(reason) || run >= failureThreshold;
  return isDue ? { ...rest, reason, message } : { ...rest, heard: { reason, run } };
}

/** What a reason means while the address is not unhealthy. */
export interface Remark {
  /** Reason of the condition Degraded. */
  readonly degraded: (typeof degradedReasons)[number];
  /** Text of the Event, with `{}` in the place of the address; undefined: no Event. */
  readonly text?: string;
}

/** Of the condition Degraded, the gravest first. */
export const degradedReasons = [
  'LoginsRefused',
  'PrimaryReadOnly',
  'AddressesSaturated',
  'ProbesFailing',
] as const;

/**
 * What a user must know of an address that is not unhealthy.
 *
 * | reason       | a role was told | Degraded           | Warning Event when it begins                           |
 * |--------------|-----------------|--------------------|--------------------------------------------------------|
 * | AuthFailed   | any             | LoginsRefused      | yes: no switch of roles is seen any more               |
 * | CredentialsWithheld | any      | LoginsRefused      | yes: the same                                          |
 * | AuthRequired | yes             | LoginsRefused      | yes: the same                                          |
 * | AuthRequired | no              | -                  | -: all that can be known without logging in            |
 * | ReadOnly     | any             | PrimaryReadOnly    | yes                                                    |
 * | Saturated    | any             | AddressesSaturated | yes                                                    |
 * | ProberFault  | any             | ProbesFailing      | no: the fault is ours, and of all addresses at once    |
 * | any other    | any             | -                  | -                                                      |
 *
 * @param role what probes said last that it is
 */
export function remarkOf(reason: string, role: Role | undefined): Remark | undefined {
  switch (reason) {
    case 'AuthFailed':
      return { degraded: 'LoginsRefused', text: 'login to {} refused' };
    case 'CredentialsWithheld':
      return { degraded: 'LoginsRefused', text: 'credentials not sent to {}' };
    case 'AuthRequired':
      return role && { degraded: 'LoginsRefused', text: '{} requires a login' };
    case 'ReadOnly':
      return { degraded: 'PrimaryReadOnly', text: '{} refuses writes' };
    case 'Saturated':
      return { degraded: 'AddressesSaturated', text: '{} has no free connection' };
    case 'ProberFault':
      return { degraded: 'ProbesFailing' };
    default:
      return undefined;
  }
}

export interface RemarkEvent {
  readonly type: 'Warning';
  readonly reason: string;
  readonly action: 'Probe';
  readonly note: string;
  /** The address. */
  readonly about: string;
}

/** The Event of a remark that begins; undefined: none begins. */
export function remarkEvent(check: Check, before: Health, after: Health): RemarkEvent | undefined {
  if (after.state === 'unhealthy') return undefined;
  if (before.state !== 'unhealthy' && before.reason === after.reason) return undefined;
  const role = after.telling?.role;
  const { degraded, text } = remarkOf(after.reason, role) ?? {};
  if (text === undefined) return undefined;
  const about = checkAddress(check);
  const what = [text.replace('{}', about), after.message].filter((each) => each !== '').join(': ');
  const stays = `the address stays ${after.state}`;
  const note = degraded === 'LoginsRefused' ? `${what}; ${stays} ${roleText(role)}` : `${what}; ${stays}`;
  return { type: 'Warning', reason: after.reason, action: 'Probe', about, note };
}

const roleText = (role: Role | undefined): string =>
  role === undefined ? 'and its role is not known' : `and keeps its last known role ${role}`;
