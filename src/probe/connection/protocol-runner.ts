import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { TLSSocket, connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import type { Check } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { Budget, maxBytesBehind } from './budget.ts';
import {
  cancelled,
  classifyErrno,
  closedEarly,
  proberFault,
  timedOut,
  verdict,
} from '../verdict/verdicts.ts';
import { closeGracefully } from './close.ts';
import { classifyHttpError } from './errors.ts';
import { isMysqlHello, mysqlAnswers } from '../mysql-wire/mysql-hello.ts';
import { keepAliveMs } from './linger.ts';
import type { Linger } from './linger.ts';
import { withProgress } from './progress.ts';
import type { Progress } from './progress.ts';
import type { Protocol } from './protocol.ts';
import { serverNameOf, tlsConnectOptions, unusableCertificates } from './tls.ts';
import type { TlsPolicy } from './tls.ts';
import { meteredConnection } from './tapped-connection.ts';
import { readAlert } from './tls-hint.ts';

/** Bound of steps that no protocol here reaches. One that reaches it would never end. */
const maxSteps = 100;
const nothing = Buffer.alloc(0);

const tooMuch = verdict('down', 'WrongProtocol', 'the answer is longer than this protocol allows');
const plainBehindTls = verdict(
  'down',
  'WrongProtocol',
  'the server sent unencrypted bytes before the TLS handshake',
);
const noSecrets = proberFault('the probe needs TLS settings, and the check has none');

export interface RunProtocolOptions {
  readonly linger?: Linger;
  /** Budget of a run with several connections. Default: a new one for this connection. */
  readonly budget?: Budget;
  /** Remaining time of the timeout, in milliseconds. */
  readonly leftMs?: number;
}

/**
 * Runs a protocol with the check's IP and port; nothing is resolved. Ends within the check's timeout.
 *
 * If the peer allows it, the connection ends without a reset from us: last bytes of the protocol, FIN, then
 * reading until the peer closes, for `closeGraceMs`. A cancelled run ends at once, but the exchange continues
 * after it (within the timeout), because some databases count half a handshake as an error of the client. A
 * connection that exceeds the budget is destroyed at once, with a reset. Rejects when the protocol throws.
 */
export function runProtocol(
  check: Check,
  signal: AbortSignal,
  protocol: Protocol,
  tls?: TlsPolicy,
  { linger, leftMs, budget = new Budget() }: RunProtocolOptions = {},
): Promise<Verdict> {
  if (signal.aborted) return Promise.resolve(cancelled);
  const name = serverNameOf(check, tls?.tls);
  let secrets: ConnectionOptions | undefined;
  try {
    secrets = tls && tlsConnectOptions(tls, name);
  } catch (error) {
    return Promise.resolve(unusableCertificates(error));
  }
  return new Promise((resolve, reject) => {
    const verifiesLate = tls !== undefined && tls.verify !== 'none' && tls.verifyAt === 'at the end';
    const withinMs = leftMs ?? linger?.withinMs ?? check.timing.timeoutMs;
    const how = {
      check,
      signal,
      protocol,
      secrets,
      name,
      verifiesLate,
      linger,
      withinMs,
      budget,
    };
    new ProtocolRun({ ...how, resolve, reject }).start();
  });
}

interface ProtocolState {
  readonly check: Check;
  readonly signal: AbortSignal;
  readonly protocol: Protocol;
  readonly secrets: ConnectionOptions | undefined;
  /** Name that the certificate is checked against. */
  readonly name: string;
  readonly verifiesLate: boolean;
  readonly linger: Linger | undefined;
  readonly budget: Budget;
  readonly withinMs: number;
  /** The first call of `resolve` or `reject` counts. */
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: unknown) => void;
}

class ProtocolRun {
  readonly #state: ProtocolState;
  readonly #abort = () => this.#cancel();
  #socket: Socket | undefined;
  /** The connection below TLS. */
  #plain: Socket | undefined;
  #secured = false;
  /** True when the connection, or TLS on it, is established. */
  #isConnected = false;
  /** True when a byte was received: a byte of TLS, or after the handshake a byte inside it. */
  #isAnswered = false;
  #waiting: Buffer = nothing;
  #steps = 0;
  #verdict: Verdict | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** State after the verdict. `mute`: everything is sent, and only the answer is read. */
  #held: 'no' | 'talking' | 'mute' = 'no';
  #isLeft = false;

  constructor(state: ProtocolState) {
    this.#state = state;
  }

  start(): void {
    const { check, signal, withinMs, budget } = this.#state;
    budget.beginConnection();
    // Runs after the event loop has read its sockets: if this process was busy, the answer may have arrived
    // already.
    this.#deadline = setTimeout(setImmediate, withinMs, () => this.#expire());
    signal.addEventListener('abort', this.#abort);
    this.#use(connectTcp({ host: check.ip, port: check.port, noDelay: true }), 'connect');
  }

  /** Uses the plain connection, or TLS on it. */
  #use(socket: Socket, event: 'connect' | 'secureConnect'): void {
    this.#socket = socket;
    this.#isConnected = false;
    this.#isAnswered = false;
    socket.once(event, () => {
      this.#isConnected = true;
      this.#state.budget.endHandshake();
      this.#reportCertificate(socket);
      this.#proceed();
    });
    socket.on('data', (chunk: Buffer) => {
      // Under TLS they are counted and measured below it.
      if (this.#secured) this.#read(chunk);
      else this.#state.budget.meter.measure(() => this.#receive(chunk));
    });
    socket.on('end', () => this.#ended(socket, closedEarly));
    socket.on('error', (error) => this.#ended(socket, this.#classify(error)));
    socket.on('close', () => this.#ended(socket, closedEarly));
  }

  /** Counts a chunk of a connection without TLS, and reads the part within the budget. */
  #receive(chunk: Buffer): void {
    const { budget } = this.#state;
    this.#read(budget.receive(chunk));
    if (budget.exceeded !== undefined) this.#exceed();
  }

  #read(chunk: Buffer): void {
    if (this.#verdict !== undefined || chunk.length === 0) return;
    const foreign = this.#isAnswered || this.#secured ? undefined : this.#foreignProtocolIn(chunk);
    this.#isAnswered = true;
    if (foreign !== undefined) {
      this.#finish(foreign);
      return;
    }
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    this.#proceed();
  }

  /** Returns the verdict on a first answer that identifies another protocol than the expected one. */
  #foreignProtocolIn(chunk: Buffer): Verdict | undefined {
    const { protocol, check } = this.#state;
    if (protocol.isMysql !== true && isMysqlHello(chunk)) return mysqlAnswers;
    return readAlert(chunk, check);
  }

  #reportCertificate(socket: Socket): void {
    const { protocol } = this.#state;
    if (protocol.onTls === undefined || !(socket instanceof TLSSocket)) return;
    const certificate = socket.getPeerX509Certificate();
    if (certificate !== undefined) protocol.onTls(certificate);
  }

  #classify(error: unknown): Verdict {
    return this.#secured
      ? classifyHttpError(error, this.#state.name, this.#isConnected)
      : classifyErrno(error);
  }

  #ended(socket: Socket, how: Verdict): void {
    if (this.#verdict !== undefined || this.#socket !== socket) return;
    const byPeer = this.#isConnected && (how.reason === 'ClosedEarly' || how.reason === 'Reset');
    this.#guarded(() =>
      this.#finish(
        (byPeer ? this.#state.protocol.onClose?.(this.#waiting) : undefined) ?? this.#withProgress(how),
      ),
    );
  }

  /** Adds to the verdict how far the connection got. */
  #withProgress(end: Verdict): Verdict {
    const { check, protocol } = this.#state;
    const { question } = protocol;
    const isSecure = this.#secured && this.#isConnected;
    return withProgress(
      end,
      { stage: this.#stage(), isSecure, ...(question !== undefined && { question }) },
      check,
    );
  }

  #stage(): Progress['stage'] {
    if (!this.#isConnected) return this.#secured ? 'securing' : 'connecting';
    if (!this.#isAnswered) return 'silent';
    return this.#waiting.length > 0 ? 'partial' : 'waiting';
  }

  #proceed(): void {
    this.#guarded(() => {
      while (this.#verdict === undefined && this.#isConnected && this.#take(this.#state.protocol));
    });
  }

  /** A protocol that throws is a fault of this program. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#state.reject(error);
      this.#finish(cancelled);
    }
  }

  /** Does one step. Returns true when another step may follow at once. */
  #take(protocol: Protocol): boolean {
    const step = protocol.next(this.#waiting.subarray(0, protocol.maxBytes));
    this.#steps += step.kind === 'more' ? 0 : 1;
    if (this.#steps > maxSteps) throw new Error('the protocol has no end');
    switch (step.kind) {
      case 'more':
        if (this.#waiting.length > protocol.maxBytes) this.#finish(tooMuch);
        return false;
      case 'send':
        this.#waiting = this.#waiting.subarray(step.consumed);
        if (this.#held !== 'mute') this.#socket?.write(step.bytes);
        return true;
      case 'secure':
        this.#waiting = this.#waiting.subarray(step.consumed);
        this.#secure();
        return false;
      case 'done':
        this.#finish(this.#verified(step.verdict), step.finalBytes);
        return false;
      case 'exceed':
        this.#state.budget.exceed(step.verdict);
        this.#exceed();
        return false;
    }
  }

  #verified(result: Verdict): Verdict {
    const socket = this.#socket;
    if (!this.#state.verifiesLate || !(socket instanceof TLSSocket) || socket.authorized) return result;
    // Node has the code here, although its types declare an error.
    return classifyHttpError({ code: String(socket.authorizationError) }, this.#state.name);
  }

  /**
   * Bytes before the handshake would be treated as encrypted ones: an attacker may have inserted them
   * (CVE-2021-23222).
   */
  #secure(): void {
    const { secrets } = this.#state;
    if (this.#waiting.length > 0) this.#finish(plainBehindTls);
    else if (secrets === undefined || this.#secured) this.#finish(noSecrets);
    else {
      const plain = this.#socket;
      if (plain === undefined) return;
      plain.removeAllListeners('data');
      this.#plain = plain;
      this.#secured = true;
      this.#state.budget.beginHandshake();
      const below = meteredConnection(plain, this.#state.budget, () => this.#exceed());
      this.#use(connectTls({ ...secrets, socket: below }), 'secureConnect');
    }
  }

  /** Stops reading, also after the verdict. */
  #exceed(): void {
    const { exceeded } = this.#state.budget;
    this.#socket?.destroy();
    this.#plain?.destroy();
    if (exceeded !== undefined) this.#finish(exceeded);
  }

  #cancel(): void {
    this.#state.resolve(cancelled);
    // The kernel may have connected already. If the server counts half an exchange as an error, the exchange
    // continues to its end.
    const mayLeave = this.#state.protocol.onTimeout === undefined;
    if (mayLeave && !this.#isConnected && !this.#secured) this.#finish(cancelled);
  }

  #expire(): void {
    const { linger, resolve } = this.#state;
    const isOpen = this.#isConnected || this.#secured;
    if (linger !== undefined && isOpen && this.#verdict === undefined) this.#linger(linger);
    else this.#finish(this.#withProgress(timedOut), this.#timeoutBytes());
    // Also when the answer is complete and only the close of the peer is outstanding.
    if (this.#verdict !== undefined) resolve(this.#verdict);
  }

  /** Returns the last bytes of the protocol at the timeout. */
  #timeoutBytes(): Uint8Array | undefined {
    const isTalking = this.#isConnected && this.#verdict === undefined && this.#held !== 'mute';
    return isTalking ? this.#state.protocol.onTimeout?.() : undefined;
  }

  #linger(linger: Linger): void {
    const { signal, resolve } = this.#state;
    signal.removeEventListener('abort', this.#abort);
    resolve(linger.begin());
    this.#state.budget.narrow(maxBytesBehind);
    const finalBytes = this.#timeoutBytes();
    this.#held = finalBytes === undefined ? 'talking' : 'mute';
    if (finalBytes !== undefined) this.#socket?.end(finalBytes);
    this.#socket?.setKeepAlive(true, keepAliveMs).unref();
    this.#deadline = setTimeout(() => {
      this.#isLeft = this.#verdict === undefined;
      this.#finish(timedOut, this.#timeoutBytes());
    }, linger.forMs).unref();
  }

  #finish(end: Verdict, finalBytes?: Uint8Array): void {
    const socket = this.#socket;
    if (this.#verdict !== undefined || socket === undefined) return;
    this.#verdict = end;
    if (end !== this.#state.budget.exceeded) this.#state.budget.endAnswer();
    this.#waiting = nothing;
    if (finalBytes !== undefined && this.#held !== 'mute') socket.write(finalBytes);
    closeGracefully(socket, () => this.#release(end));
  }

  #release(end: Verdict): void {
    clearTimeout(this.#deadline);
    this.#state.signal.removeEventListener('abort', this.#abort);
    this.#state.resolve(end);
    if (this.#held !== 'no') this.#state.linger?.end(this.#isLeft, end);
  }
}
