/**
 * What one probe run says of one address. The reason is also the metric label and the Event reason;
 * the list is closed (probes of databases add theirs here).
 */
export const reasons = [
  'Connected',
  'Responded',
  'Refused',
  'Unreachable',
  'Timeout',
  'Reset',
  'ClosedEarly',
  'TlsFailed',
  'CertificateExpired',
  'WrongProtocol',
  'UnexpectedStatus',
  'NotServing',
  'StartingUp',
  'ShuttingDown',
  'InRecovery',
  'Loading',
  'ReadOnly',
  'Saturated',
  'AuthRequired',
  'AuthFailed',
  'CredentialsWithheld',
  'Blocked',
  'ReplicationBroken',
  'LagTooHigh',
  'ProberFault',
  'Cancelled',
] as const;

export type Role = 'Primary' | 'Replica';

export type Reason = (typeof reasons)[number];

/**
 * `up` and `down` are about the address. `inconclusive` is the prober's own fault (no file descriptors,
 * a missing capability, cancelled) and never moves a health state.
 */
export interface Verdict {
  readonly kind: 'up' | 'down' | 'inconclusive';
  readonly reason: Reason;
  /** For people: at most 120 printable ASCII characters, never bytes of an unexpected protocol, never a credential. Empty when the reason says it all. */
  readonly message: string;
  /** What the server says it is; left out where the probe cannot tell. */
  readonly role?: Role;
  /** The server answered the question and is neither primary nor replica: nothing is missing. */
  readonly isRoleless?: true;
  /** How far a replica is behind, in seconds; 0 when it has replayed all it received. Left out where the probe cannot tell. */
  readonly lagSeconds?: number;
  /** Of a primary: greater of two that claim to be one is the later one (PostgreSQL's timeline, MongoDB's term). */
  readonly epoch?: number;
  /** When the first certificate of the server's chain ends, in milliseconds of Unix time. Left out where the probe cannot tell. */
  readonly certificateExpiresAt?: number;
  /** A probe of another protocol was greeted in this one: it does harm, see `core/notices.ts`. */
  readonly greeting?: 'mysql';
}
