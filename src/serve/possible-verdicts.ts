import { handlerKinds, type HandlerKind } from '../core/probing/handler-kinds.ts';
import { reasons, verdictReasons, type Reason } from '../core/probing/reasons.ts';
import type { Verdict } from '../core/probing/verdict.ts';

/** Labels by which a probe run is counted. */
export interface VerdictLabels {
  readonly handler: HandlerKind;
  readonly result: Verdict['kind'];
  readonly reason: Reason;
}

/** All combinations of handler, reason and result. The handler `unready`, which lacks a Secret, has ProberFault only. */
export const possibleVerdicts: readonly VerdictLabels[] = handlerKinds.flatMap((handler) =>
  reasons.flatMap((reason) =>
    handler === 'unready' && reason !== 'ProberFault'
      ? []
      : verdictReasons[reason].results.map((result) => ({ handler, result, reason })),
  ),
);
