import { formatHostPort, type Check } from '../probing/check.ts';
import type { Verdict } from '../probing/verdict.ts';
import type { BackendEvent } from './backend-event.ts';

/** Events that one check has had already. */
export interface EmittedWarnings {
  readonly bareConnect?: boolean;
  readonly certificate?: {
    /** Milliseconds of Unix time. Another certificate gets an Event of its own. */
    readonly expiresAt: number;
    readonly days: number;
  };
}

/** Days before a certificate expires at which there is an Event, the nearest first. */
const warnAtDays = [7, 21] as const;

const dayMs = 86_400_000;

/**
 * Returns true when a verdict can cause an Event at all. It must be cheap: there are thousands of verdicts a
 * second.
 */
export const mayWarn = ({ detectedProtocol, certificateExpiresAt }: Verdict): boolean =>
  detectedProtocol !== undefined || certificateExpiresAt !== undefined;

/**
 * Returns the Events of a verdict, and the Events that the check has had after it.
 *
 * | the verdict                                      | Events of this check before             | Event                  |
 * |--------------------------------------------------|-----------------------------------------|------------------------|
 * | MySQL greeted a probe of another kind than mysql | no such Event                           | BareConnectToMysql     |
 * |                                                  | one                                     | none                   |
 * | the certificate expires in more than 21 days     | any                                     | none                   |
 * | in 21 days or less                               | none for this certificate               | CertificateExpiresSoon |
 * | in 7 days or less, or it has expired             | none, or one at 21 days                 | CertificateExpiresSoon |
 * | either                                           | one at the same number of days or fewer | none                   |
 *
 * @param now wall-clock milliseconds
 */
export function probeWarnings(
  check: Check,
  verdict: Pick<Verdict, 'detectedProtocol' | 'certificateExpiresAt'>,
  emitted: EmittedWarnings | undefined,
  now: number,
): { readonly events: readonly BackendEvent[]; readonly emitted: EmittedWarnings | undefined } {
  const { detectedProtocol, certificateExpiresAt } = verdict;
  if (detectedProtocol === 'mysql' && emitted?.bareConnect !== true)
    return { events: [bareConnect(check)], emitted: { ...emitted, bareConnect: true } };
  if (certificateExpiresAt === undefined) return { events: [], emitted };
  const leftMs = certificateExpiresAt - now;
  const days = warnAtDays.find((limit) => leftMs <= limit * dayMs);
  const before =
    emitted?.certificate?.expiresAt === certificateExpiresAt ? emitted.certificate.days : Infinity;
  if (days === undefined || before <= days) return { events: [], emitted };
  const certificate = { expiresAt: certificateExpiresAt, days };
  return { events: [expiry(check, certificateExpiresAt, leftMs)], emitted: { ...emitted, certificate } };
}

function expiry(check: Check, expiresAt: number, leftMs: number): BackendEvent {
  const date = new Date(expiresAt).toISOString().slice(0, 10);
  const days = Math.floor(leftMs / dayMs);
  const when =
    leftMs <= 0 ? `expired on ${date}` : `expires on ${date}, in ${days} ${days === 1 ? 'day' : 'days'}`;
  const note = `the certificate of ${formatHostPort(check)} ${when}: renew it`;
  return { type: 'Warning', reason: 'CertificateExpiresSoon', action: 'Probe', note };
}

const bareConnect = (check: Check): BackendEvent => ({
  type: 'Warning',
  reason: 'BareConnectToMysql',
  action: 'Probe',
  note: `${check.handler.kind} probe reached MySQL/MariaDB at ${formatHostPort(check)}. ${harmOf(check)}; after max_connect_errors (default 100) the server blocks this host, including applications behind the same address (error 1129). Use probe: {mysql: {}} instead.`,
});

const harmOf = ({ handler }: Check): string =>
  handler.kind === 'tcpSocket'
    ? 'Each such probe counts as a connection error (unless skip-name-resolve is on)'
    : 'Its aborted handshake counts as a connection error (later probes only listen and are not counted)';
