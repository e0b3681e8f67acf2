import type { Verdict } from '../../core/probing/verdict.ts';
import { responded, verdict } from '../verdict/verdicts.ts';

/**
 * Fields of an answer to `hello`, as plain values. A field is absent when the server did not send it or its
 * value is invalid.
 */
export interface Hello {
  readonly ok: boolean;
  /** Code of an error. */
  readonly code?: number;
  readonly codeName?: string;
  readonly isWritablePrimary?: boolean;
  readonly secondary?: boolean;
  readonly arbiterOnly?: boolean;
  /** `isdbgrid`: a mongos. */
  readonly msg?: string;
  readonly setName?: string;
  /** Term of the electionId: see `termOf`. */
  readonly term?: number;
  /** Time of the server's clock, milliseconds. */
  readonly localTimeMs?: number;
  /** Time of the primary's clock when it wrote the last operation that this server applied, milliseconds. */
  readonly lastWriteMs?: number;
  /** Time stamp of the last operation that this server applied, seconds. */
  readonly lastWriteSeconds?: number;
  /** Newest time stamp that this server received (`$clusterTime`), seconds. */
  readonly clusterSeconds?: number;
}

/**
 * Returns the verdict of an answer to `hello`.
 *
 * | answer                                      | verdict                                    |
 * |---------------------------------------------|--------------------------------------------|
 * | ok 0, ShutdownInProgress (91) or 11600      | down ShuttingDown                          |
 * | ok 0, Unauthorized (13) or 18               | up AuthRequired                            |
 * | ok 0, else                                  | down NotServing, with the code             |
 * | the name of another replica set             | down NotServing                            |
 * | isdbgrid (mongos)                           | up, no role: each of several would be primary |
 * | isWritablePrimary (also a standalone server) | up Primary, epoch = the election's term   |
 * | secondary                                   | up Replica, lag if it is known             |
 * | arbiter, not initiated, starting, recovering, rolling back, removed | down NotServing    |
 */
export function verdictOfHello(hello: Hello, setName: string | undefined): Verdict {
  if (!hello.ok) return verdictOfError(hello);
  if (setName !== undefined && hello.setName !== setName) return otherSet;
  if (hello.msg === 'isdbgrid') return responded;
  if (hello.isWritablePrimary === true)
    return Object.freeze({
      ...responded,
      role: 'Primary',
      ...(hello.term !== undefined && { epoch: hello.term }),
    });
  if (hello.secondary === true) {
    const lagSeconds = lagOf(hello);
    return Object.freeze({ ...responded, role: 'Replica', ...(lagSeconds !== undefined && { lagSeconds }) });
  }
  return hello.arbiterOnly === true ? arbiter : noMember;
}

const otherSet = verdict('down', 'NotServing', 'not a member of the configured replica set');
const arbiter = verdict('down', 'NotServing', 'the server is an arbiter and has no data');
const noMember = verdict(
  'down',
  'NotServing',
  'neither primary nor secondary: the server is starting, recovering, or not in a replica set',
);
const shuttingDown = verdict('down', 'ShuttingDown');
const authRequired = verdict('up', 'AuthRequired');

const byCode: Readonly<Record<number, Verdict>> = {
  13: authRequired,
  18: authRequired,
  91: shuttingDown,
  11600: shuttingDown,
};

function verdictOfError({ code, codeName = '' }: Hello): Verdict {
  const known = code === undefined ? undefined : byCode[code];
  const name = /^\w{1,60}$/.test(codeName) ? ` ${codeName}` : '';
  return (
    known ??
    verdict('down', 'NotServing', `the hello command failed with error ${String(code ?? 'unknown')}${name}`)
  );
}

/**
 * An idle primary writes a no-op every 10 s (writePeriodicNoops), so a last write within this time is not a
 * lag.
 */
const silenceSeconds = 12;

/**
 * Returns the lag in seconds. Undefined: not known.
 *
 * | last write is older than 12 s (localTime - lastWriteDate) | lag                                             |
 * |------------------------------------------------------------|-------------------------------------------------|
 * | yes                                                        | its age: nothing was received since             |
 * | no                                                         | newest time received - last applied, at most the age; 0 if unknown |
 *
 * Members exchange the newest time every 2 s, so a lag of seconds is known. In a sharded cluster that time
 * includes the writes of other shards, so the lag may be up to 10 s too high. Without a primary nothing is
 * written, and the age grows although nothing is missing.
 */
function lagOf(hello: Hello): number | undefined {
  const { localTimeMs, lastWriteMs, clusterSeconds, lastWriteSeconds } = hello;
  if (localTimeMs === undefined || lastWriteMs === undefined) return undefined;
  const age = Math.max(0, Math.floor((localTimeMs - lastWriteMs) / 1000));
  if (age > silenceSeconds) return age;
  if (clusterSeconds === undefined || lastWriteSeconds === undefined) return 0;
  return Math.max(0, Math.min(age, clusterSeconds - lastWriteSeconds));
}
