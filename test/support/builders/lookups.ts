import {
  applyAnswer,
  emptyNameState,
  questionKey,
  withPublishedRecords,
  type Answer,
  type NameState,
} from '../../../src/core/resolution/name-state.ts';
import type { NameStateOf } from '../../../src/core/resolution/questions.ts';
import type { ServiceRecord } from '../../../src/core/resolution/srv-records.ts';

export const epoch = Date.UTC(2026, 0, 1);

/** Returns the monotonic instant `now` for both clocks. */
export const at = (now: number) => ({ now, wall: epoch + now });

export const gives = (...addresses: readonly string[]): Answer => ({
  kind: 'records',
  addresses,
  services: [],
  ttlMs: 5_000,
});

export const leadsTo = (...services: readonly ServiceRecord[]): Answer => ({
  kind: 'records',
  addresses: [],
  services,
  ttlMs: 5_000,
});

export const fails: Answer = { kind: 'failed', message: 'no answer' };

export const denies = (reason: 'NoSuchName' | 'NoAddress' = 'NoSuchName'): Answer => ({
  kind: 'none',
  reason,
  ttlMs: 5_000,
  serverAnsweredAt: Infinity,
});

/** Returns the state after these answers, one each second from 0 on. */
export const after = (...answers: readonly Answer[]): NameState => since(emptyNameState, ...answers);

export const since = (state: NameState, ...answers: readonly Answer[]): NameState =>
  answers.reduce((known, answer, i) => applyAnswer(known, answer, at(i * 1_000)), state);

/** Returns the state with addresses that were published before this process began. */
export const before = (...addresses: readonly string[]): NameState =>
  withPublishedRecords(emptyNameState, { addresses, services: [] }, at(0));

export const gone = (reason: 'NoSuchName' | 'NoAddress' = 'NoSuchName'): readonly Answer[] => [
  denies(reason),
  denies(reason),
  denies(reason),
];

/** States by query, such as `A db.example.com`. */
export const knowing =
  (states: Readonly<Record<string, NameState>>): NameStateOf =>
  (question) =>
    states[questionKey(question)] ?? emptyNameState;

export const service = (host: string, over: Partial<ServiceRecord> = {}): ServiceRecord => ({
  host,
  port: 5432,
  priority: 0,
  weight: 0,
  ...over,
});
