import { checkAddress, type Check } from './check.ts';
import type { Verdict } from './verdict.ts';

/** What a verdict says beside up and down that is worth an Event, once. */
export interface Notice {
  readonly type: 'Warning';
  readonly reason: 'CertificateExpiresSoon' | 'BareConnectToMysql';
  readonly action: 'Probe';
  readonly note: string;
}

/** What was told of one check already. */
export interface Told {
  readonly bareConnect?: boolean;
  readonly certificate?: {
    /** Milliseconds of Unix time: another certificate is another matter. */
    readonly expiresAt: number;
    readonly days: number;
  };
}

/** Days before the end of a certificate at which there is an Event, the nearest first. */
const warnAtDays = [7, 21] as const;

const dayMs = 86_400_000;

/** Whether a verdict can lead to a notice at all: cheap, for each of thousands in a second. */
export const isNotable = ({ greeting, certificateExpiresAt }: Verdict): boolean =>
  greeting !== undefined || certificateExpiresAt !== undefined;

/**
 * The Events of a verdict, and what is told after them.
 *
 * | the verdict                              | told of this check before       | Event                          |
 * |------------------------------------------|---------------------------------|--------------------------------|
 * | a probe but mysql was greeted by MySQL   | no                              | BareConnectToMysql             |
 * |                                          | yes                             | none                           |
 * | the certificate ends in more than 21 days | anything                       | none                           |
 * | in 21 days or less                       | nothing of this certificate     | CertificateExpiresSoon         |
 * | in 7 days or less, or it has ended       | nothing, or at 21 days          | CertificateExpiresSoon         |
 * | either                                   | at the same days or at less     | none                           |
 *
 * @param now wall milliseconds
 */
export function noticesOf(
  check: Check,
  verdict: Pick<Verdict, 'greeting' | 'certificateExpiresAt'>,
  told: Told | undefined,
  now: number,
): { readonly notices: readonly Notice[]; readonly told: Told | undefined } {
  const { greeting, certificateExpiresAt } = verdict;
  if (greeting === 'mysql' && told?.bareConnect !== true)
    return { notices: [bareConnect(check)], told: { ...told, bareConnect: true } };
  if (certificateExpiresAt === undefined) return { notices: [], told };
  const leftMs = certificateExpiresAt - now;
  const days = warnAtDays.find((limit) => leftMs <= limit * dayMs);
  const before = told?.certificate?.expiresAt === certificateExpiresAt ? told.certificate.days : Infinity;
  if (days === undefined || before <= days) return { notices: [], told };
  const certificate = { expiresAt: certificateExpiresAt, days };
  return { notices: [expiry(check, certificateExpiresAt, leftMs)], told: { ...told, certificate } };
}

function expiry(check: Check, expiresAt: number, leftMs: number): Notice {
  const date = new Date(expiresAt).toISOString().slice(0, 10);
  const days = Math.floor(leftMs / dayMs);
  const when =
    leftMs <= 0 ? `expired on ${date}` : `expires on ${date}, in ${days} ${days === 1 ? 'day' : 'days'}`;
  const note = `the certificate of ${checkAddress(check)} ${when}: renew it`;
  return { type: 'Warning', reason: 'CertificateExpiresSoon', action: 'Probe', note };
}

const bareConnect = (check: Check): Notice => ({
  type: 'Warning',
  reason: 'BareConnectToMysql',
  action: 'Probe',
  note: `${check.handler.kind} probe reached MySQL/MariaDB at ${checkAddress(check)}. ${harmOf(check)}; after max_connect_errors (default 100) the server blocks this host, including applications behind the same address (error 1129). Use probe: {mysql: {}} instead.`,
});

const harmOf = ({ handler }: Check): string =>
  handler.kind === 'tcpSocket'
    ? 'Each such probe counts as a connection error (unless skip-name-resolve is on)'
    : 'Its aborted handshake counts as a connection error (later probes only listen and are not counted)';
