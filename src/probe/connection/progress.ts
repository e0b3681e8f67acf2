import { TLSSocket } from 'node:tls';
import type { Check } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { timedOut, unreached, verdict } from '../verdict/verdicts.ts';
import type { Connection } from './tapped-connection.ts';
import { tlsHint } from './tls-hint.ts';

/**
 * Stage that a connection reached.
 *
 * | stage      |                                                                    |
 * |------------|--------------------------------------------------------------------|
 * | connecting | no connection                                                      |
 * | securing   | connected, in the TLS handshake                                    |
 * | silent     | connected (and TLS established), no byte of an answer              |
 * | partial    | an answer began                                                    |
 * | waiting    | an earlier answer was complete, the answer to `question` is outstanding |
 */
export interface Progress {
  readonly stage: 'connecting' | 'securing' | 'silent' | 'partial' | 'waiting';
  readonly isSecure: boolean;
  readonly question?: string;
}

type Cut = 'Timeout' | 'Reset' | 'ClosedEarly';

const verbs = { Reset: 'reset', ClosedEarly: 'closed' } as const;

/**
 * Adds the progress to the verdict of a connection that was cut or took too long. Other verdicts are
 * unchanged.
 */
export function withProgress(end: Verdict, progress: Progress, check: Check): Verdict {
  const { kind, reason, message } = end;
  if (message !== '' || !isCut(reason)) return end;
  if (reason !== 'Timeout') return verdict(kind, reason, cutText(verbs[reason], progress, check));
  const text = lateText(progress, check);
  return progress.stage === 'connecting' ? unreached(reason, text) : verdict(kind, reason, text);
}

const isCut = (reason: Verdict['reason']): reason is Cut => reason === 'Timeout' || reason in verbs;

function lateText({ stage, isSecure, question = 'the last request' }: Progress, check: Check): string {
  const within = `within ${seconds(check)}`;
  const before = isSecure ? 'the TLS handshake succeeded' : 'connected';
  const texts: Readonly<Record<Progress['stage'], string>> = {
    connecting: `no connection ${within}`,
    securing: `connected, but the TLS handshake did not complete ${within}`,
    silent: `${before}, but no answer ${within}`,
    partial: `the answer started but did not end ${within}`,
    waiting: `${before}, but no answer to ${question} ${within}`,
  };
  return texts[stage];
}

function cutText(verb: string, { stage, isSecure, question }: Progress, check: Check): string {
  const before = isSecure ? 'the TLS handshake succeeded' : 'connected';
  const hint = isSecure ? undefined : tlsHint(check);
  const texts: Readonly<Record<Progress['stage'], string>> = {
    connecting: `the connection was ${verb} before it was established`,
    securing: `the connection was ${verb} during the TLS handshake: does the server use TLS on this port?`,
    silent: `${before}, then ${verb} without an answer${hint ? ` (does the server expect TLS? ${hint})` : ''}`,
    partial: `the connection was ${verb} in the middle of the answer`,
    waiting: `the connection was ${verb} before the answer to ${question ?? 'the last request'}`,
  };
  return texts[stage];
}

const seconds = ({ timing }: Check): string => `${String(timing.timeoutMs / 1000)} s`;

/** Returns the verdict of a connection that was not established within the timeout. */
export const noConnection = (check: Check): Verdict =>
  withProgress(timedOut, { stage: 'connecting', isSecure: false }, check);

/**
 * Returns the progress of a socket of a client library. ALPN is null until the handshake is complete.
 *
 * @param question request whose answer is outstanding after bytes were received
 */
export function progressOf(socket: Connection, question: string): Progress {
  const isSecure = socket instanceof TLSSocket;
  if (socket.connecting) return { stage: 'connecting', isSecure };
  if (isSecure && socket.alpnProtocol === null) return { stage: 'securing', isSecure };
  return { stage: socket.bytesRead === 0 ? 'silent' : 'waiting', isSecure, question };
}
