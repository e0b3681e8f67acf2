import type { Verdict } from '../../../src/core/probing/verdict.ts';

export const up: Verdict = { kind: 'up', reason: 'Connected', message: '' };
/** Verdict about a server that answered in its protocol. */
export const responded: Verdict = { kind: 'up', reason: 'Responded', message: '' };
export const down: Verdict = { kind: 'down', reason: 'Refused', message: '' };
export const timedOut: Verdict = { kind: 'down', reason: 'Timeout', message: '' };
export const cancelled: Verdict = { kind: 'inconclusive', reason: 'Cancelled', message: '' };
