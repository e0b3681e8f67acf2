/** Result of a probe: see `Verdict`. */
export type VerdictKind = 'up' | 'down' | 'inconclusive';

/** Reasons of the condition Degraded that come from warnings, the most severe first. */
export const warningConditions = [
  'LoginsRefused',
  'PrimaryReadOnly',
  'AddressesSaturated',
  'ProbesFailing',
] as const;

/** Report about an address that is not unhealthy. */
export interface Warning {
  /** Reason of the condition Degraded. */
  readonly degraded: (typeof warningConditions)[number];
  /** Text of the Event when it begins, with `{}` in the place of the address; undefined: no Event. */
  readonly text?: string;
  /**
   * True: a warning only if a probe has reported a role before. Otherwise this is all that a probe without a
   * login can find out.
   */
  readonly needsRole?: true;
}

/** Meaning of a reason. */
export interface ReasonMeaning {
  /** Results that probes return with it. The metrics have a series of each from the start. */
  readonly results: readonly VerdictKind[];
  /** True: nothing to report. */
  readonly isPlainSuccess?: true;
  readonly warning?: Warning;
  /** Text about why the role of the address is not known. */
  readonly roleUnknown?: string;
}

const down = { results: ['down'] } as const;

/**
 * Reasons of verdicts, with their meaning. A reason is also a metric label and an Event reason, so the list is
 * closed; probes of databases add theirs here. docs/reasons.md has a row for each.
 */
const meanings = {
  Connected: { results: ['up'], isPlainSuccess: true },
  Responded: { results: ['up'], isPlainSuccess: true },
  Refused: down,
  Unreachable: down,
  Timeout: down,
  Reset: down,
  ClosedEarly: down,
  TlsFailed: down,
  CertificateExpired: down,
  WrongProtocol: down,
  UnexpectedStatus: down,
  NotServing: down,
  StartingUp: down,
  ShuttingDown: down,
  InRecovery: down,
  Loading: down,
  // PostgreSQL and MySQL: up. Redis: down.
  ReadOnly: {
    results: ['up', 'down'],
    warning: { degraded: 'PrimaryReadOnly', text: '{} refuses writes' },
  },
  // By `saturatedIs` of the probe.
  Saturated: {
    results: ['inconclusive', 'down'],
    warning: { degraded: 'AddressesSaturated', text: '{} has no free connection' },
  },
  // gRPC: down.
  AuthRequired: {
    results: ['up', 'down'],
    warning: { degraded: 'LoginsRefused', text: '{} requires a login', needsRole: true },
    roleUnknown: 'the server requires a login',
  },
  // A switch of roles cannot be seen any more.
  AuthFailed: {
    results: ['up'],
    warning: { degraded: 'LoginsRefused', text: 'login to {} refused' },
    roleUnknown: 'login refused',
  },
  CredentialsWithheld: {
    results: ['up'],
    warning: { degraded: 'LoginsRefused', text: 'credentials not sent to {}' },
    roleUnknown: 'credentials not sent',
  },
  Blocked: down,
  ReplicationBroken: down,
  // The fault is the operator's, and affects all addresses at once: no Event.
  ProberFault: { results: ['inconclusive'], warning: { degraded: 'ProbesFailing' } },
  Cancelled: { results: ['inconclusive'] },
} as const satisfies Readonly<Record<string, ReasonMeaning>>;

export type Reason = keyof typeof meanings;

/** Meaning of each reason. */
export const verdictReasons: Readonly<Record<Reason, ReasonMeaning>> = meanings;

/** All reasons, in the order of the table. */
export const reasons = Object.keys(meanings) as readonly Reason[];
