import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import type { DestinationUnreachableError, NetworkProtocol, Session, SessionOptions } from 'net-ping';
import type { Check } from '../../core/probing/check.ts';
import type { Family } from '../../core/kubernetes/objects.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { cancelled, proberFault, responded, unreachable } from '../verdict/verdicts.ts';
import { canonical, parsePacket } from './icmp-packet.ts';
import { noReply, sendForbidden, wrongFamily } from './icmp-verdicts.ts';
import type { Probe } from '../connection/probe.ts';

/**
 * Part of net-ping that is used here. It is loaded by the first icmp probe, because it is a native addon that
 * few need.
 */
export interface PingLibrary {
  createSession(options: SessionOptions): Session;
  readonly NetworkProtocol: typeof NetworkProtocol;
  readonly DestinationUnreachableError: typeof DestinationUnreachableError;
}

export type LoadPing = () => Promise<PingLibrary>;

export interface RawIcmpOptions {
  /** Loads the library. Default: the package net-ping. */
  readonly load?: LoadPing;
}

/**
 * Maximum number of requests in flight. A sequence number has 16 bits, and late replies must remain
 * distinguishable.
 */
const maxInFlight = 16_384;

/** Time for which net-ping keeps a request after the end of the probe. */
const tableGraceMs = 1_000;

const noAddon = proberFault(
  "icmp needs the operator's group in net.ipv4.ping_group_range (config/components/icmp): no addon for raw sockets",
);
const noCapability = proberFault(
  "icmp needs the operator's group in net.ipv4.ping_group_range (config/components/icmp), or CAP_NET_RAW",
);
const tooMany = proberFault('too many ICMP probes in flight: raise periodSeconds or lower timeoutSeconds');
const socketLost = proberFault('the ICMP socket failed');
const sendFailed = proberFault('the kernel refused to send the echo request');

/**
 * Pings through a raw socket when datagram sockets are refused (icmp.ts). Up when an echo reply arrives from
 * the probed address. Only one thread of a process can load the addon.
 *
 * Works around defects of net-ping 1.2.4: it accepts a reply from any address, sends IPv6 targets of an IPv4
 * session to 0.0.0.0 and reports them alive, loses sessions to the garbage collector, does not correlate
 * ICMPv6 errors, and has no watchdog for requests that were never sent.
 */
export function createRawIcmp(options: RawIcmpOptions = {}): { readonly probe: Probe; close(): void } {
  const icmp = new RawIcmp(options.load ?? (async () => (await import('net-ping')).default));
  return { probe: (check, signal) => icmp.probe(check, signal), close: () => icmp.close() };
}

class RawIcmp {
  readonly #load: LoadPing;
  /** One session per family. Without a reference the garbage collector removes a session and its requests. */
  readonly #sessions = new Map<Family, Session>();
  #library: Promise<PingLibrary> | undefined;

  constructor(load: LoadPing) {
    this.#load = load;
  }

  async probe(check: Check, signal: AbortSignal): Promise<Verdict> {
    if (isIP(check.ip) !== (check.family === 'IPv6' ? 6 : 4)) return wrongFamily;
    const library = await this.#libraryOnce().catch(() => undefined);
    if (library === undefined) return noAddon;
    if (signal.aborted) return cancelled;
    try {
      const session = this.#session(library, check.family);
      return session.reqsPending >= maxInFlight ? tooMany : await ping(session, library, check, signal);
    } catch (error) {
      this.#drop(check.family);
      return isForbidden(error) ? noCapability : socketLost;
    }
  }

  close(): void {
    for (const family of [...this.#sessions.keys()]) this.#drop(family);
  }

  #libraryOnce(): Promise<PingLibrary> {
    this.#library ??= this.#load();
    return this.#library;
  }

  #session(library: PingLibrary, family: Family): Session {
    const open = this.#sessions.get(family);
    if (open !== undefined) return open;
    const session = openSession(library, family);
    session.on('error', () => this.#drop(family, session));
    session.on('close', () => this.#drop(family, session));
    this.#sessions.set(family, session);
    return session;
  }

  /**
   * Ends a session (the given one, if it is still in use). Its requests end as a fault of the prober. The
   * next probe opens another.
   */
  #drop(family: Family, session = this.#sessions.get(family)): void {
    if (session === undefined || this.#sessions.get(family) !== session) return;
    this.#sessions.delete(family);
    closeSession(session);
  }
}

function openSession(library: PingLibrary, family: Family): Session {
  const session = library.createSession({
    networkProtocol: library.NetworkProtocol[family],
    // Random, because the process id is 1 in every pod, and pods may share the address of a node.
    sessionId: randomInt(1, 65_535),
    retries: 0,
  });
  const socket = session.getSocket();
  socket.removeAllListeners('message');
  socket.on('message', (data: Buffer, source: string) => receive(session, library, family, data, source));
  return session;
}

/** Passes a packet to net-ping only if it belongs to one of our requests and has the expected source. */
function receive(session: Session, library: PingLibrary, family: Family, data: Buffer, source: string): void {
  const packet = parsePacket(data, family);
  if (packet?.id !== session.sessionId) return;
  const target = session.reqs[packet.sequence]?.target;
  if (target === undefined || target !== canonical(packet.destination ?? source, family)) return;
  if (packet.kind === 'reply') {
    session.onSocketMessage(data, source);
    return;
  }
  const now = new Date();
  session
    .reqRemove(packet.sequence)
    ?.callback(new library.DestinationUnreachableError(source), target, now, now);
}

/**
 * Sends one request. The timer here is the deadline (it runs after one more read of what has arrived: see
 * `createDeadline`). The timer of net-ping starts when the packet is sent, and only clears its table.
 */
function ping(session: Session, library: PingLibrary, check: Check, signal: AbortSignal): Promise<Verdict> {
  return new Promise((resolve) => {
    const end = (verdict: Verdict) => {
      clearTimeout(watchdog);
      signal.removeEventListener('abort', abort);
      resolve(verdict);
    };
    const abort = () => end(cancelled);
    const late = noReply(check.timing.timeoutMs);
    const watchdog = setTimeout(() => setImmediate(end, late), check.timing.timeoutMs);
    signal.addEventListener('abort', abort);
    session.timeout = check.timing.timeoutMs + tableGraceMs;
    session.pingHost(canonical(check.ip, check.family), (error) =>
      end(error === null ? responded : classifyPing(error, library, late)),
    );
  });
}

/** Classifies errors of raw-socket, which have no code but the text of strerror (glibc or musl). */
function classifyPing(error: Error, library: PingLibrary, late: Verdict): Verdict {
  if (error instanceof library.DestinationUnreachableError) return unreachable;
  if (error.name === 'RequestTimedOutError') return late;
  if (/unreachable|no route to host|host is down/i.test(error.message)) return unreachable;
  if (isForbidden(error)) return sendForbidden;
  return /^Socket (forcibly )?closed$/.test(error.message) ? socketLost : sendFailed;
}

function isForbidden(error: unknown): boolean {
  return /not permitted|permission denied/i.test(String(error));
}

/** Ends the requests first, because after the close net-ping would open a new socket to remove them. */
function closeSession(session: Session): void {
  const now = new Date();
  for (const id of Object.keys(session.reqs)) {
    const request = session.reqs[Number(id)];
    quietly(() => session.reqRemove(Number(id)));
    request?.callback(new Error('Socket closed'), request.target, now, now);
  }
  quietly(() => session.close());
}

/** Ignores errors: a socket that an error has already closed may throw. */
function quietly(run: () => unknown): void {
  try {
    run();
  } catch {
    // See above.
  }
}
