import { OperatorError } from '../../../src/core/errors.ts';
import type { ErrorKind, ErrorReason } from '../../../src/core/errors.ts';

export const both = ['+10.20.0.11', '+10.20.0.12'];
export const error = (kind: ErrorKind, reason: ErrorReason) =>
  new OperatorError(reason, { kind, reason, afterMs: 5_000 });
