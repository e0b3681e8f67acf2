import type { Verdict } from '../core/verdict.ts';
import { responded, verdict } from './classify.ts';

/** What is read of an answer to `hello`, as plain values. Left out where the server did not say it, or said nonsense. */
export interface Hello {
  readonly ok: boolean;
  /** Of an error. */
  readonly code?: number;
  readonly codeName?: string;
  readonly isWritablePrimary?: boolean;
  readonly secondary?: boolean;
  readonly arbiterOnly?: boolean;
  /** `isdbgrid`: a mongos. */
  readonly msg?: string;
  readonly setName?: string;
  /** Of electionId: see `termOf`. */
  readonly term?: number;
  /** The server's own clock, milliseconds. */
  readonly localTimeMs?: number;
  /** The primary's clock when it wrote what this server applied last, milliseconds. */
  readonly lastWriteMs?: number;
  /** Time stamp of what this server applied last, seconds. */
  readonly lastWriteSeconds?: number;
  /** Newest time stamp that this server has heard of (`$clusterTime`), seconds. */
  readonly clusterSeconds?: number;
}

/**
 * | answer                                      | verdict                                    |
 * |---------------------------------------------|--------------------------------------------|
 * | ok 0, ShutdownInProgress (91) or 11600      | down ShuttingDown                          |
 * | ok 0, Unauthorized (13) or 18               | up AuthRequired                            |
 * | ok 0, else                                  | down NotServing, with the code             |
 * | another set's name than the one wanted      | down NotServing                            |
 * | isdbgrid (mongos)                           | up, no role: of many, each would be primary |
 * | isWritablePrimary (a lone server too)       | up Primary, epoch = the election's term    |
 * | secondary                                   | up Replica, lag where it can be known      |
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

const otherSet = verdict('down', 'NotServing', 'it is no member of the replica set that is asked for');
const arbiter = verdict('down', 'NotServing', 'an arbiter holds no data');
const noMember = verdict(
  'down',
  'NotServing',
  'neither primary nor secondary: it starts, recovers, or has no set',
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
  return known ?? verdict('down', 'NotServing', `hello fails with error ${String(code ?? 'unknown')}${name}`);
}

/** An idle primary writes a no-op every 10 s (writePeriodicNoops): a last write no older than this is no lag. */
const silenceSeconds = 12;

/**
 * | last write is older than 12 s (localTime - lastWriteDate) | lag                                             |
 * |------------------------------------------------------------|-------------------------------------------------|
 * | yes                                                        | its age: nothing came since                     |
 * | no                                                         | newest time heard of - last applied, never more than the age; 0 without |
 *
 * Members tell each other the newest time every 2 s, so a lag of seconds is known; in a sharded cluster that time also
 * counts the writes of other shards, so up to 10 s may be said too much. Without a primary nothing is written, and the
 * age grows though nothing is missing.
 */
function lagOf(hello: Hello): number | undefined {
  const { localTimeMs, lastWriteMs, clusterSeconds, lastWriteSeconds } = hello;
  if (localTimeMs === undefined || lastWriteMs === undefined) return undefined;
  const age = Math.max(0, Math.floor((localTimeMs - lastWriteMs) / 1000));
  if (age > silenceSeconds) return age;
  if (clusterSeconds === undefined || lastWriteSeconds === undefined) return 0;
  return Math.max(0, Math.min(age, clusterSeconds - lastWriteSeconds));
}
