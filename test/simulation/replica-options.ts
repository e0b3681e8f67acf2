import type { Check } from '../../src/core/probing/check.ts';
import type { Answer, Question } from '../../src/core/resolution/name-state.ts';
import type { Verdict } from '../../src/core/probing/verdict.ts';
import type { EngineOptions } from '../../src/engine/engine.ts';
import type { ProbeFn } from '../../src/engine/ports.ts';
import type { WriterOptions } from '../../src/kube/write/writer.ts';
import type { Logger } from '../../src/util/log.ts';
import type { ManualClock } from '../support/fakes/manual-clock.ts';
import type { WireOptions } from './api/wire.ts';
import type { History } from './history.ts';
import type { Skew } from './process.ts';
import type { Replica } from './replica.ts';

/** Ports of a replica that a test replaces, to switch a guard off. */
export interface Ports {
  readonly writer?: (options: WriterOptions) => WriterOptions;
  readonly engine?: (options: EngineOptions) => EngineOptions;
  readonly probe?: (probe: ProbeFn) => ProbeFn;
}

/** One term of one process, which writes and probes. */
export interface Author {
  readonly replica: Replica;
  readonly term: number;
}

export interface ReplicaOptions {
  readonly index: number;
  readonly incarnation: number;
  readonly seed: number;
  readonly skew: Skew;
  readonly world: ManualClock;
  readonly maxEndpointsPerSlice: number;
  /** True: it probes in threads. */
  readonly hasThreads: boolean;
  readonly secondOpinion: boolean;
  readonly isolation: History['isolation'];
  readonly ports: Ports;
  readonly logger: Logger;
  readonly wire: (replica: Replica) => Omit<WireOptions, 'world' | 'process' | 'draw'>;
  /** Returns the outcome of a probe of this replica that begins now. */
  readonly outcome: (check: Check) => { readonly verdict: Verdict; readonly afterMs: number };
  readonly answer: (question: Question, now: number) => Answer;
  readonly onTerm: (author: Author) => void;
  readonly onTermEnd: (author: Author) => void;
  readonly onVerdict: (author: Author, check: Check, verdict: Verdict) => void;
  readonly onAnswer: (author: Author, question: Question, answer: Answer) => void;
}
