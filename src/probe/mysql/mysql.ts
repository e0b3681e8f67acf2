import type { Check, MysqlHandler } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { Budget } from '../connection/budget.ts';
import { proberFault, responded, verdict } from '../verdict/verdicts.ts';
import { withheld } from '../connection/password-exposure.ts';
import type { CpuMeter } from '../connection/cpu-meter.ts';
import { runProtocol } from '../connection/protocol-runner.ts';
import type { Protocol, Step } from '../connection/protocol.ts';
import { createFallbacks } from '../connection/fallbacks.ts';
import { createDeadline } from '../connection/deadline.ts';
import { reporting } from '../connection/login-verdicts.ts';
import { beginWith, firstAnswer, nativePassword, nextAnswer } from './auth-plugins.ts';
import { classifyServerError, noTls, wrongProtocol } from './mysql-errors.ts';
import { loadClient, logInToMysql } from './mysql-login.ts';
import {
  handshakeResponse,
  maxPayload,
  packet,
  quit,
  readError,
  readGreeting,
} from '../mysql-wire/mysql-packets.ts';
import { capability, readPacket, readSwitch, tlsRequest } from '../mysql-wire/mysql-packets.ts';
import type { Greeting, Packet, MysqlError } from '../mysql-wire/mysql-packets.ts';
import { createOutstandingLogins, tooLate } from './outstanding-logins.ts';
import type { OutstandingLogins, PendingStep } from './outstanding-logins.ts';
import type { Linger } from '../connection/linger.ts';
import type { Probe } from '../connection/probe.ts';
import { createSecureContextCache, tlsPolicyOf } from '../connection/tls.ts';
import type { TlsPolicy, SecureContextCache } from '../connection/tls.ts';

/**
 * User name in the logs of the server and in its error 1045. No account of this name is needed or should
 * exist.
 */
export const probeUser = 'external_backend_probe';

/**
 * Creates the probe that is up when the server finishes a handshake: with OK, or by refusing an account that
 * does not exist. It needs no credentials.
 *
 *     server  greeting                                   or ERR at once: too many connections, blocked, not allowed
 *     client  [TLS request, TLS,] handshake response
 *     server  switch or more, any number of them         the client answers each
 *     server  ERR 1045 (or OK)
 *     client  close (or COM_QUIT)
 *
 * The handshake is always finished correctly (see auth-plugins.ts). A server counts incomplete handshakes,
 * and after max_connect_errors (100) it refuses every client of our address, including applications behind
 * the address of the node.
 *
 * With credentials a client library logs in and queries role and lag (mysql-state.ts). It does not finish a
 * handshake that fails. So after an incomplete login a check first makes a handshake without credentials,
 * until that succeeds: there is one incomplete handshake for each failure, however long it lasts.
 *
 * The password is not sent in clear text (mysql-plugins.ts). After a request for it, the probe makes
 * handshakes without credentials for ten minutes.
 *
 * If a server has not answered at the timeout, the connection continues after the verdict, and no other
 * connection is opened meanwhile. Another check with more time waits for the same answer (outstanding-logins.ts).
 */
export function createMysql(
  outstanding: OutstandingLogins = createOutstandingLogins(),
  fallbacks = createFallbacks(),
): Probe {
  const contexts = createSecureContextCache();
  const broken = new WeakSet<Check>();
  const probeServer = async (
    check: Check,
    handler: MysqlHandler,
    signal: AbortSignal,
    { leftMs, meter }: Pick<MysqlProbeState, 'leftMs' | 'meter'>,
  ) => {
    const { credentials } = handler;
    const kept = { contexts, outstanding, leftMs, meter };
    if (credentials === undefined) return probeAnonymously(check, handler, signal, kept);
    const why = fallbacks.get(check, 'no login');
    if (why !== undefined) return withheld(await probeAnonymously(check, handler, signal, kept), why);
    await loadClient();
    const started = performance.now();
    if (broken.has(check)) {
      const greeted = await probeAnonymously(check, handler, signal, kept);
      if (greeted.kind !== 'up') return greeted;
      broken.delete(check);
    }
    const limit = createDeadline(leftMs - (performance.now() - started), signal);
    try {
      const login = await logInToMysql({
        check,
        handler,
        credentials,
        limit,
        outstanding,
        fallbacks,
        contexts,
        meter,
      });
      if (!login.isFinished) {
        broken.add(check);
        void login.finishes.then((is) => is && broken.delete(check));
      }
      return login.verdict;
    } finally {
      limit.release();
    }
  };
  return reporting(async (check, signal, meter) => {
    const { handler } = check;
    if (handler.kind !== 'mysql') return proberFault('not a mysql check');
    const waited = await outstanding.wait(check, signal);
    if ('verdict' in waited) return waited.verdict;
    const result = await probeServer(check, handler, signal, { leftMs: waited.leftMs, meter });
    return waited.isShort && result.kind === 'down' && result.reason === 'Timeout' ? tooLate : result;
  });
}

interface MysqlProbeState {
  readonly contexts: SecureContextCache;
  readonly outstanding: OutstandingLogins;
  /** Remaining milliseconds of the timeout. */
  readonly leftMs: number;
  readonly meter: CpuMeter | undefined;
}

async function probeAnonymously(
  check: Check,
  { saturatedIs, tls, credentials }: MysqlHandler,
  signal: AbortSignal,
  { contexts, outstanding, leftMs, meter }: MysqlProbeState,
): Promise<Verdict> {
  const protocol = new MysqlHandshake({ saturatedIs, wantsTls: tls !== undefined });
  const question = (): PendingStep => {
    if (!protocol.isGreeted) return 'greeting';
    return credentials === undefined ? 'answer to a stranger' : 'login';
  };
  const base = outstanding.linger(check, question, leftMs);
  // A response before the greeting was sent without TLS, so its answer is not about TLS.
  const hasVerdict = () => tls === undefined || !protocol.isBlind;
  const linger: Linger = {
    ...base,
    end: (isLeft, late) => base.end(isLeft, hasVerdict() ? late : undefined),
  };
  // Certificates are verified after the handshake: no secret is sent, and the server would count an earlier
  // end.
  const how: TlsPolicy | undefined = tls && { ...tlsPolicyOf(tls, contexts), verifyAt: 'at the end' };
  const result = await runProtocol(check, signal, protocol, how, { linger, budget: new Budget({ meter }) });
  if (result.kind === 'up') outstanding.answered(check);
  return result;
}

export interface HandshakeOptions {
  readonly saturatedIs: MysqlHandler['saturatedIs'];
  readonly wantsTls: boolean;
}

/** Maximum number of packets after the response. MariaDB tries a few plugins one after another. */
const maxAnswers = 16;

const tooOld = verdict('down', 'WrongProtocol', 'the server is older than MySQL 4.1');

export class MysqlHandshake implements Protocol {
  readonly maxBytes = maxPayload + 4;
  readonly question = 'the login';
  readonly isMysql = true;
  readonly #options: HandshakeOptions;
  #phase: 'greeting' | 'securing' | 'secured' | 'answered' = 'greeting';
  #greeting: Greeting | undefined;
  #plugin: string = nativePassword;
  #isSecure = false;
  #isBlind = false;
  #isRecognised = false;
  /** Sequence number of the server's next packet. */
  #sequence = 0;
  #answers = 0;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  get isGreeted(): boolean {
    return this.#phase !== 'greeting';
  }

  /** True when a server with the protocol of MySQL or MariaDB answered, with a greeting or an error. */
  get isRecognised(): boolean {
    return this.#isRecognised;
  }

  /** True when the complete response was sent before the greeting. */
  get isBlind(): boolean {
    return this.#isBlind;
  }

  next(received: Buffer): Step {
    if (this.#phase === 'securing') return this.#secure();
    if (this.#phase === 'secured') return this.#respond(0);
    const read = readPacket(received, this.#sequence);
    if (read === 'more') return { kind: 'more' };
    if (read === 'alien') return done(wrongProtocol);
    const error = readError(read.payload);
    this.#isRecognised ||= error !== undefined;
    if (error !== undefined) return done(this.#verdictWithTls(this.#classify(error)));
    return this.#phase === 'greeting' ? this.#greeted(read) : this.#answered(read);
  }

  /**
   * Returns a complete response and the answer to a switch, for a timeout before the greeting. A server that
   * hangs later finds all closed connections in its backlog, and would count each of them. The bytes do not
   * depend on the greeting.
   */
  onTimeout(): Uint8Array | undefined {
    if (this.#phase !== 'greeting') return undefined;
    this.#isBlind = true;
    const greeting = { capabilities: everyServer, plugin: nativePassword };
    const answer = firstAnswer(nativePassword);
    const options = { user: probeUser, plugin: nativePassword, answer, isSecure: false };
    return Buffer.concat([handshakeResponse(greeting, 1, options), packet(3, answer)]);
  }

  #greeted({ payload, size }: Packet): Step {
    const greeting = readGreeting(payload);
    if (greeting === undefined) return done(payload[0] === 9 ? tooOld : wrongProtocol);
    this.#greeting = greeting;
    this.#isRecognised = true;
    this.#sequence = 2;
    if (this.#isBlind) return this.#listen(size);
    if (!this.#options.wantsTls || !offersTls(greeting)) return this.#respond(size);
    this.#phase = 'securing';
    return { kind: 'send', bytes: tlsRequest(greeting, 1), consumed: size };
  }

  /** Waits for the result of the response that was already sent. */
  #listen(consumed: number): Step {
    this.#phase = 'answered';
    return { kind: 'send', bytes: Buffer.alloc(0), consumed };
  }

  #secure(): Step {
    this.#phase = 'secured';
    this.#isSecure = true;
    this.#sequence = 3;
    return { kind: 'secure', consumed: 0 };
  }

  #respond(consumed: number): Step {
    const greeting = this.#greeting;
    if (greeting === undefined) return done(wrongProtocol);
    this.#phase = 'answered';
    this.#plugin = beginWith(greeting.plugin);
    const bytes = handshakeResponse(greeting, this.#sequence - 1, {
      user: probeUser,
      plugin: this.#plugin,
      answer: firstAnswer(this.#plugin),
      isSecure: this.#isSecure,
    });
    return { kind: 'send', bytes, consumed };
  }

  #answered({ payload, size }: Packet): Step {
    this.#answers += 1;
    if (this.#answers > maxAnswers) return done(wrongProtocol);
    switch (payload[0]) {
      case 0x00:
        return { kind: 'done', verdict: this.#verdictWithTls(responded), finalBytes: quit };
      case 0xfe:
        this.#plugin = readSwitch(payload);
        return this.#answer(firstAnswer(this.#plugin), size);
      default: {
        // MariaDB puts the 01 before the data of the plugin only when the data looks like another packet.
        const data = payload[0] === 0x01 ? payload.subarray(1) : payload;
        return this.#answer(nextAnswer(this.#plugin, data, this.#isSecure), size);
      }
    }
  }

  #answer(answer: Uint8Array | undefined, consumed: number): Step {
    const sequence = this.#sequence;
    this.#sequence = (sequence + (answer === undefined ? 1 : 2)) & 0xff;
    const bytes = answer === undefined ? Buffer.alloc(0) : packet(sequence + 1, answer);
    return { kind: 'send', bytes, consumed };
  }

  #classify(error: MysqlError): Verdict {
    const stage = this.#phase === 'greeting' ? 'mysql greeting' : 'mysql login';
    return classifyServerError(error, this.#options.saturatedIs, { stage, logsIn: false });
  }

  #verdictWithTls(result: Verdict): Verdict {
    const lacksTls = this.#options.wantsTls && this.#greeting !== undefined && !offersTls(this.#greeting);
    return result.kind === 'up' && lacksTls ? noTls : result;
  }
}

const { protocol41, secureConnection, pluginAuth } = capability;
const everyServer = protocol41 | secureConnection | pluginAuth;

const offersTls = ({ capabilities }: Greeting) => (capabilities & capability.tls) !== 0;
const done = (end: Verdict): Step => ({ kind: 'done', verdict: end });
