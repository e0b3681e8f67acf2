import { lookUp } from '../../core/look-up.ts';
import type { Credentials, RedisHandler } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { proberFault, verdict } from '../verdict/verdicts.ts';
import { fixOfTls, mayRevealPassword, withheld, withheldMessage } from '../connection/password-exposure.ts';
import { Budget } from '../connection/budget.ts';
import { runProtocol } from '../connection/protocol-runner.ts';
import { createFallbacks } from '../connection/fallbacks.ts';
import { refusalVerdict, reporting } from '../connection/login-verdicts.ts';
import type { LoginProgress } from '../connection/login-verdicts.ts';
import type { Protocol, Step } from '../connection/protocol.ts';
import { createMysqlPorts } from '../mysql/mysql-ports.ts';
import type { Probe } from '../connection/probe.ts';
import { verdictOfReplication } from './redis-replication.ts';
import { encodeCommand, maxReplyBytes, readReply } from './redis-reply.ts';
import type { KnownReply } from './redis-reply.ts';
import { createSecureContextCache, tlsPolicyOf, verificationOf } from '../connection/tls.ts';

/**
 * Creates the probe of Redis, Valkey and KeyDB. It sends one command after another, each after a good answer
 * to the one before:
 *
 * | command                      | bytes                                      | good answer      |
 * |------------------------------|--------------------------------------------|------------------|
 * | AUTH user password (if any)  | `*3 $4 AUTH $n user $n password`           | `+OK`            |
 * | PING                         | `*1\r\n$4\r\nPING\r\n`                     | `+PONG`          |
 * | INFO replication             | `*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n` | bulk string      |
 *
 * AUTH is omitted when the server is not verified (password-exposure.ts). The server is healthy with `+PONG`. INFO
 * only adds the role, and its refusal changes nothing, except with credentials: then it is up AuthFailed
 * (`withLoginReason`), because a change of roles would not be seen. INFO is not sent while its refusal is
 * remembered. Then the connection is closed: QUIT is deprecated, and a client that closes leaves nothing in
 * the log.
 *
 * Errors are in the order of processCommand (redis/src/server.c): NOAUTH before MISCONF, MASTERDOWN, LOADING
 * and BUSY. So a server with a password answers NOAUTH also while it loads. To see that it loads, the probe
 * needs credentials.
 *
 * | error of AUTH or PING (first word, or text) | verdict                                                 |
 * |---------------------------------------------|---------------------------------------------------------|
 * | NOAUTH, NOPERM                              | up AuthRequired: alive, and nothing more is known       |
 * | any error of AUTH except those below        | up AuthFailed: alive, the credentials are wrong         |
 * | LOADING                                     | down Loading                                            |
 * | MASTERDOWN                                  | down ReplicationBroken (replica-serve-stale-data no)    |
 * | MISCONF                                     | down ReadOnly (it cannot save, and refuses writes)      |
 * | BUSY                                        | down NotServing (a script runs)                         |
 * | DENIED                                      | down Blocked (protected mode: no client from here)      |
 * | ERR max number of clients…                  | inconclusive Saturated                                  |
 * | other                                       | down NotServing                                         |
 */
export function createRedis(fallbacks = createFallbacks(), guard = createMysqlPorts()): Probe {
  const contexts = createSecureContextCache();
  const probe = reporting(async (check, signal, meter) => {
    if (check.handler.kind !== 'redis') return proberFault('not a redis check');
    const { tls, credentials } = check.handler;
    const message = messageOfWithheld(check.handler);
    const refused = fallbacks.get(check, 'no INFO');
    const protocol = redisProtocol({
      secure: tls !== undefined,
      ...(credentials && { credentials }),
      ...(message !== undefined && { isWithheld: true }),
      ...(refused !== undefined && { refused }),
      onRefused: (answer) => fallbacks.remember(check, 'no INFO', answer),
    });
    const budget = new Budget({ meter });
    const result = await runProtocol(check, signal, protocol, tls && tlsPolicyOf(tls, contexts), { budget });
    return message === undefined ? result : withheld(result, message);
  });
  return guard(probe);
}

/**
 * Returns the message when AUTH, which has the password as it is, is omitted. Undefined: there is no
 * password, or it may be sent.
 */
function messageOfWithheld({ tls, credentials }: RedisHandler): string | undefined {
  const verified = tls && verificationOf(tls);
  return credentials === undefined || mayRevealPassword(credentials, verified)
    ? undefined
    : withheldMessage(verified, fixOfTls);
}

export interface RedisProtocolOptions {
  /** TLS from the first byte, as Redis speaks it. */
  readonly secure?: boolean;
  readonly credentials?: Credentials;
  /** True when the credentials are not sent. */
  readonly isWithheld?: boolean;
  /** Message of an earlier INFO that was refused. INFO is not sent again. */
  readonly refused?: string;
  /** Called when INFO is refused and would be refused again. */
  readonly onRefused?: (answer: string) => void;
}

type Question = 'AUTH' | 'PING' | 'INFO';

/** Creates the protocol of one run. */
export function redisProtocol(options: RedisProtocolOptions = {}): Protocol {
  const { credentials, isWithheld = false } = options;
  let isSecure = options.secure !== true;
  let sent: Question | undefined;
  const send = (question: Question, consumed: number): Step => {
    sent = question;
    return { kind: 'send', bytes: bytesOf(question, credentials), consumed };
  };
  return {
    maxBytes: maxReplyBytes,
    get question() {
      return sent === 'AUTH' ? 'the login' : sent;
    },
    next: (received) => {
      if (!isSecure) {
        isSecure = true;
        return { kind: 'secure', consumed: 0 };
      }
      if (sent === undefined) return send(credentials === undefined || isWithheld ? 'PING' : 'AUTH', 0);
      const reply = readReply(received);
      if (reply === undefined) return { kind: 'more' };
      if (reply.kind === 'unknown') return { kind: 'done', verdict: wrongProtocol };
      const following = nextStep(sent, reply, options);
      return typeof following === 'string'
        ? send(following, reply.bytes)
        : { kind: 'done', verdict: following };
    },
    // A proxy may not support INFO and close.
    onClose: () => (sent === 'INFO' ? closesAtInfo : undefined),
  };
}

/** Returns the command after an answer, or the verdict. */
function nextStep(
  question: Question,
  { kind, text }: KnownReply,
  options: RedisProtocolOptions,
): Question | Verdict {
  if (question === 'INFO') return kind === 'bulk' ? withInfo(text, options) : withoutInfo(text, options);
  if (kind === 'error') return verdictOfError(question, text);
  if (kind === 'bulk') return wrongProtocol;
  if (question === 'AUTH') return text === 'OK' ? 'PING' : wrongProtocol;
  if (text !== 'PONG') return wrongProtocol;
  return options.refused === undefined ? 'INFO' : verdict('up', 'Responded', options.refused);
}

function bytesOf(question: Question, credentials: Credentials | undefined): Uint8Array {
  if (question === 'PING') return encodeCommand('PING');
  if (question === 'INFO') return encodeCommand('INFO', 'replication');
  const { username = '', password = '' } = credentials ?? {};
  // Without a user name, the form that servers before Redis 6 support too.
  return username === '' ? encodeCommand('AUTH', password) : encodeCommand('AUTH', username, password);
}

const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not RESP, the protocol of Redis');
const saturated = verdict('inconclusive', 'Saturated', 'the maximum number of clients is reached');
const refusesInfo = verdict('up', 'Responded', 'INFO replication is refused, so the role is unknown');
const closesAtInfo = verdict(
  'up',
  'Responded',
  'the server closes the connection at INFO replication, so the role is unknown',
);
const otherError = verdict('down', 'NotServing', 'the server answers PING with an error');
const authFailed = verdict('up', 'AuthFailed', 'the server refuses the credentials');
const noPermission = verdict('up', 'AuthRequired', 'the user is not allowed to run PING');

const byCode: Readonly<Record<string, Verdict>> = {
  NOAUTH: verdict('up', 'AuthRequired'),
  NOPERM: noPermission,
  LOADING: verdict('down', 'Loading'),
  MASTERDOWN: verdict(
    'down',
    'ReplicationBroken',
    'the replica is not connected to its primary (MASTERDOWN)',
  ),
  MISCONF: verdict('down', 'ReadOnly', 'the server cannot save to disk and refuses writes (MISCONF)'),
  BUSY: verdict('down', 'NotServing', 'the server is busy with a script (BUSY)'),
  DENIED: verdict('down', 'Blocked', 'protected mode refuses connections from the operator (DENIED)'),
};

/** Returns the verdict with the role. With credentials the absence of a role is reported. */
function withInfo(text: string, { credentials }: RedisProtocolOptions): Verdict {
  const result = verdictOfReplication(text);
  return result.role !== undefined || credentials === undefined
    ? result
    : Object.freeze({ ...result, isRoleless: true });
}

/** Error codes of temporary states: the server may answer the next INFO. */
const passing: ReadonlySet<string | undefined> = new Set([
  'LOADING',
  'MASTERDOWN',
  'BUSY',
  'NOAUTH',
  'TRYAGAIN',
]);

function withoutInfo(text: string, { credentials, onRefused }: RedisProtocolOptions): Verdict {
  const code = codeOf(text);
  const at: LoginProgress = { stage: 'redis INFO', logsIn: credentials !== undefined };
  if (code === 'NOAUTH') return refusalVerdict(at, 'login', 'INFO requires another login (NOAUTH)');
  const result =
    code === 'NOPERM'
      ? refusalVerdict(at, 'account', 'the user is not allowed to run INFO (NOPERM)')
      : refusesInfo;
  if (!passing.has(code)) onRefused?.(result.message);
  return result;
}

const codeOf = (text: string): string | undefined => /^([A-Z]{1,20})( |$)/.exec(text)?.[1];

/**
 * Returns the verdict of an error, without the server's text: it may quote the arguments of an unknown
 * command, including a password.
 */
function verdictOfError(question: Question, text: string): Verdict {
  const code = codeOf(text);
  if (code === undefined) return wrongProtocol;
  const known = lookUp(byCode, code);
  if (known !== undefined) return known;
  if (/^ERR max number of clients/.test(text)) return saturated;
  if (question === 'AUTH') return authFailed;
  return otherError;
}
