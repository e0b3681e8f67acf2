import {
  applyAnswer,
  emptyNameState,
  withPublishedRecords,
} from '../../../src/core/resolution/name-state.ts';
import type { Answer, NameState } from '../../../src/core/resolution/name-state.ts';

export const WALL = 1_000_000;
export const step = 5_000;

export const records = (...addresses: string[]): Answer => ({
  kind: 'records',
  ttlMs: 60_000,
  addresses,
  services: [],
});
export const failed = (message = '10.0.0.53 does not answer'): Answer => ({ kind: 'failed', message });
/** `vouchedAt`: time at which the server last answered another name. */
export const denied = (
  serverAnsweredAt?: number,
  reason: 'NoSuchName' | 'NoAddress' = 'NoSuchName',
): Answer => ({
  kind: 'none',
  reason,
  ttlMs: 60_000,
  ...(serverAnsweredAt === undefined ? {} : { serverAnsweredAt }),
});
export const trusted = denied(Infinity);
export const at = (now: number) => ({ now, wall: WALL + now });

/** Steps a state by answers that follow each other by one `step`, the first at 0. */
export const after = (answers: readonly Answer[], from: NameState = emptyNameState): NameState =>
  answers.reduce((state, answer, i) => applyAnswer(state, answer, at(i * step)), from);

export const published = withPublishedRecords(
  emptyNameState,
  { addresses: ['10.0.0.1'], services: [] },
  at(0),
);
export const good = records('10.0.0.1');
