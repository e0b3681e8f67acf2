import { handlerKinds, type HandlerKind } from '../core/probing/handler-kinds.ts';
import type { Reason, Verdict } from '../core/probing/verdict.ts';

/** Results that probes return with each reason. */
const resultsOf: Readonly<Record<Reason, readonly Verdict['kind'][]>> = {
  Connected: ['up'],
  Responded: ['up'],
  Refused: ['down'],
  Unreachable: ['down'],
  Timeout: ['down'],
  Reset: ['down'],
  ClosedEarly: ['down'],
  TlsFailed: ['down'],
  CertificateExpired: ['down'],
  WrongProtocol: ['down'],
  UnexpectedStatus: ['down'],
  NotServing: ['down'],
  StartingUp: ['down'],
  ShuttingDown: ['down'],
  InRecovery: ['down'],
  Loading: ['down'],
  ReadOnly: ['up', 'down'],
  Saturated: ['inconclusive', 'down'],
  AuthRequired: ['up', 'down'],
  AuthFailed: ['up'],
  CredentialsWithheld: ['up'],
  Blocked: ['down'],
  ReplicationBroken: ['down'],
  LagTooHigh: ['down'],
  ProberFault: ['inconclusive'],
  Cancelled: ['inconclusive'],
};

/** Labels by which a probe run is counted. */
export interface VerdictLabels {
  readonly handler: HandlerKind;
  readonly result: Verdict['kind'];
  readonly reason: Reason;
}

/** All combinations of handler, reason and result. The handler `unready`, which lacks a Secret, has ProberFault only. */
export const possibleVerdicts: readonly VerdictLabels[] = handlerKinds.flatMap((handler) =>
  keys(resultsOf).flatMap((reason) =>
    handler === 'unready' && reason !== 'ProberFault'
      ? []
      : resultsOf[reason].map((result) => ({ handler, result, reason })),
  ),
);

function keys<K extends string>(record: Readonly<Record<K, unknown>>): readonly K[] {
  return Object.keys(record) as K[];
}
