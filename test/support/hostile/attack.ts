import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Handler } from '../../../src/core/probing/check.ts';

/** Classes of what a server can do to a probe. Each protocol has an attack of each class, or the reason why there is none. */
export type AttackKind =
  /** Bytes of no protocol, without end. */
  | 'bytes'
  /** An accepted connection, and nothing else. */
  | 'silence'
  /** One byte of an answer each 100 ms. */
  | 'drip'
  /** One byte of an answer at a time, as fast as possible. */
  | 'pieces'
  /** Small messages that are each correct, without end. */
  | 'messages'
  /** The same of messages that come before an answer. */
  | 'preliminaries'
  /** Lengths that are huge, negative or wrong. */
  | 'lengths'
  /** Values within values. */
  | 'nesting'
  /** Few bytes that are many once they are decompressed. */
  | 'compression'
  /** Answers that are costly to process. */
  | 'computation';

/** Serves what follows the first bytes of the client: in clear, or inside TLS. */
export type Answer = (stream: Duplex) => void;

/** Serves a connection from its beginning. */
export type Serve = (socket: Socket) => void;

/** The probe's result. */
export interface Expected {
  readonly kind: 'up' | 'down';
  readonly reason: string;
  /** Part of the message. */
  readonly message?: string;
}

export interface Attack {
  /** A short name, unique within a protocol. */
  readonly name: string;
  readonly answer: Answer;
  readonly expected: Expected;
  /** The probe logs in. */
  readonly login?: true;
  /** Ends at the timeout. */
  readonly isSlow?: true;
}

export interface NoAttack {
  readonly none: string;
}

export const none = (because: string): NoAttack => ({ none: because });

export type Attacks = Readonly<Record<AttackKind, readonly Attack[] | NoAttack>>;

export const down = (reason: string, message = ''): Expected => ({ kind: 'down', reason, message });
export const up = (reason: string, message = ''): Expected => ({ kind: 'up', reason, message });

/** An attack that ends at the timeout. */
export const slow = (name: string, answer: Answer, message: string): Attack => ({
  ...{ name, answer, isSlow: true },
  expected: down('Timeout', message),
});

/** The handler of a probe that logs in. */
export const credentials = { username: 'prober', password: 'secret', allowClearText: true };

export type ProbeKind = Handler['kind'];
