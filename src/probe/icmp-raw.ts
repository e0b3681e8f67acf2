import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import type { DestinationUnreachableError, NetworkProtocol, Session, SessionOptions } from 'net-ping';
import type { Check } from '../core/check.ts';
import type { Family } from '../core/objects.ts';
import type { Verdict } from '../core/verdict.ts';
import { cancelled, proberFault, responded, unreachable } from './classify.ts';
import { canonical, parsePacket } from './icmp-packet.ts';
import { noReply, sendForbidden, wrongFamily } from './icmp-verdicts.ts';
import type { Probe } from './probe.ts';

/** The part of net-ping that is used here; loaded on the first icmp probe, for it is a native addon that few need. */
export interface PingLibrary {
  createSession(options: SessionOptions): Session;
  readonly NetworkProtocol: typeof NetworkProtocol;
  readonly DestinationUnreachableError: typeof DestinationUnreachableError;
}

export type LoadPing = () => Promise<PingLibrary>;

export interface RawIcmpOptions {
  /** Default: the package net-ping. */
  readonly load?: LoadPing;
}

/** A sequence number has 16 bits; so many requests in flight would leave no room for late replies to be told apart. */
const maxInFlight = 16_384;

/** How much longer than the probe net-ping remembers a request. */
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
 * Pings through a raw socket, where datagram sockets are refused (icmp.ts): up when an echo reply comes from the very address
 * that was asked. The addon behind it can be loaded by one thread of a process only. Works around what net-ping 1.2.4 does not do:
 * it believes a reply from anywhere, sends IPv6 targets of an IPv4 session to 0.0.0.0 and reports them alive, loses
 * sessions to the garbage collector, does not correlate ICMPv6 errors, and has no watchdog for what was never sent.
 */
export function createRawIcmp(options: RawIcmpOptions = {}): { readonly probe: Probe; close(): void } {
  const icmp = new RawIcmp(options.load ?? (async () => (await import('net-ping')).default));
  return { probe: (check, signal) => icmp.probe(check, signal), close: () => icmp.close() };
}

class RawIcmp {
  readonly #load: LoadPing;
  /** One per family, held here for as long as it works: a session that nobody holds is collected with its requests. */
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

  /** Ends a session (the given one, if it is still in use): its requests end as the prober's fault, the next probe opens another. */
  #drop(family: Family, session = this.#sessions.get(family)): void {
    if (session === undefined || this.#sessions.get(family) !== session) return;
    this.#sessions.delete(family);
    closeSession(session);
  }
}

function openSession(library: PingLibrary, family: Family): Session {
  const session = library.createSession({
    networkProtocol: library.NetworkProtocol[family],
    // Random, for the process id is 1 in every pod, and pods may share a node's address.
    sessionId: randomInt(1, 65_535),
    retries: 0,
  });
  const socket = session.getSocket();
  socket.removeAllListeners('message');
  socket.on('message', (data: Buffer, source: string) => receive(session, library, family, data, source));
  return session;
}

/** Gives net-ping only what is about a request of ours and comes from where it must. */
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
 * Our own timer is the deadline (after one more look at what has arrived: see `createLimit`); net-ping's, which starts when
 * the packet is sent, only clears its table.
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

/** raw-socket's errors have no code, only the text of strerror (glibc or musl). */
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

/** Ends the requests first: once closed, net-ping would open a new socket to remove them. */
function closeSession(session: Session): void {
  const now = new Date();
  for (const id of Object.keys(session.reqs)) {
    const request = session.reqs[Number(id)];
    quietly(() => session.reqRemove(Number(id)));
    request?.callback(new Error('Socket closed'), request.target, now, now);
  }
  quietly(() => session.close());
}

/** A socket that its own error has closed already may throw; there is nothing left to be done about it. */
function quietly(run: () => unknown): void {
  try {
    run();
  } catch {
    // See above.
  }
}
