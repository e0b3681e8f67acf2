import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { AUTHORITATIVE_ANSWER, decode, encode, RECURSION_AVAILABLE, TRUNCATED_RESPONSE } from 'dns-packet';
import type { Answer as Resource, PacketOpt, Question as WireQuestion, RecordType } from 'dns-packet';

/**
 * A name server for behaviour that real ones do not have. A script decides the reply to each query:
 *
 *     const dns = await ScriptedDns.start(({ name, type }) => (type === 'A' ? answer(a(name, '10.0.0.1', 30)) : noData('test')));
 *     createDnsClient({ ..., servers: [dns.address] });
 *     dns.script = () => servfail;          // from now on
 *     dns.count({ name: 'db.test' });       // queries seen
 *     await dns.close();
 *
 * UDP and TCP have the same port. As from a real server, an answer of more than 512 bytes, or of what the OPT record of the
 * query allows, is truncated over UDP, and a query with OPT has a response with OPT.
 */
export class ScriptedDns {
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();
  readonly #seen: Seen[] = [];
  /** As the client takes it. */
  readonly address: { readonly address: string; readonly port: number };
  script: Script;

  /** Use `start`. */
  constructor(script: Script, udp: UdpSocket, tcp: Server) {
    this.script = script;
    this.#udp = udp;
    this.#tcp = tcp;
    const { address, port } = udp.address();
    this.address = { address, port };
  }

  /** Listens on a free port of `host`, an IP address of this machine, or on `port`. */
  static async start(script: Script, { host = '127.0.0.1', port = 0 } = {}): Promise<ScriptedDns> {
    for (let attempt = 0; ; attempt++) {
      const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      const tcp = createServer();
      try {
        udp.bind(port, host);
        await once(udp, 'listening');
        tcp.listen(udp.address().port, host);
        await once(tcp, 'listening');
        const server = new ScriptedDns(script, udp, tcp);
        server.#serve();
        return server;
      } catch (error) {
        udp.close();
        tcp.close();
        // The port that was free for UDP may be taken for TCP.
        if (attempt === 9 || port !== 0) throw error;
      }
    }
  }

  /** All queries, in the order of their arrival. */
  get seen(): readonly Seen[] {
    return this.#seen;
  }

  /** Returns the number of received queries with all of these properties. */
  count(like: Partial<Seen> = {}): number {
    const wanted = Object.entries(like);
    return this.#seen.filter((seen) => wanted.every(([key, value]) => seen[key as keyof Seen] === value))
      .length;
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    const closed = [once(this.#udp, 'close'), once(this.#tcp, 'close')];
    this.#udp.close();
    this.#tcp.close();
    await Promise.all(closed);
  }

  #serve(): void {
    this.#udp.on('message', (query, from) => {
      void this.#reply(query, { transport: 'udp', fromPort: from.port }, (bytes) =>
        this.#sendUdp(bytes, from),
      );
    });
    this.#tcp.on('connection', (socket) => this.#accept(socket));
  }

  #sendUdp(bytes: Buffer, from: RemoteInfo): void {
    try {
      this.#udp.send(bytes, from.port, from.address, () => undefined);
    } catch {
      // Closed meanwhile.
    }
  }

  #accept(socket: Socket): void {
    let received = Buffer.alloc(0);
    this.#connections.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const query = received.subarray(2, end);
        received = received.subarray(end);
        const fromPort = socket.remotePort ?? 0;
        void this.#reply(query, { transport: 'tcp', fromPort }, (bytes) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(bytes.length);
          socket.write(Buffer.concat([length, bytes]));
        });
      }
    });
  }

  async #reply(
    query: Buffer,
    by: Pick<Seen, 'transport' | 'fromPort'>,
    send: (bytes: Buffer) => void,
  ): Promise<void> {
    const { id = 0, questions: [question] = [], additionals } = decode(query);
    if (question === undefined) return;
    const name = question.name.toLowerCase();
    const payload = additionals?.find((each) => each.type === 'OPT')?.udpPayloadSize;
    const edns = payload !== undefined;
    this.#seen.push({ name, type: question.type, edns, ...by });
    const behaviour = this.script({ name, type: question.type, edns }, by.transport);
    const replies: readonly ReplyBehaviour[] = 'then' in behaviour ? behaviour.then : [behaviour];
    for (const reply of replies) {
      if ('silent' in reply) continue;
      if (reply.after !== undefined) await reply.after;
      send(
        'bytes' in reply
          ? rawBytes(reply, query)
          : bytesOf(reply, { id, question, payload, transport: by.transport }),
      );
    }
  }
}

export type Transport = 'udp' | 'tcp';

export interface Seen {
  /** In lower case. */
  readonly name: string;
  readonly type: RecordType;
  readonly transport: Transport;
  readonly fromPort: number;
  /** It had an OPT record. */
  readonly edns: boolean;
}

export type Script = (
  question: { readonly name: string; readonly type: RecordType; readonly edns: boolean },
  transport: Transport,
) => ReplyBehaviour | { readonly then: readonly ReplyBehaviour[] };

interface Delayed {
  /** The reply is sent when this resolves. */
  readonly after?: Promise<unknown>;
}

export type ReplyBehaviour = { readonly silent: true } | RawReply | Reply;

/** Sends exactly these bytes. A function receives the query. */
interface RawReply extends Delayed {
  readonly bytes: Buffer | ((query: Buffer) => Buffer);
}

interface Reply extends Delayed {
  readonly answers?: readonly Resource[];
  readonly authorities?: readonly Resource[];
  readonly additionals?: readonly Resource[];
  /** 0: NOERROR. */
  readonly rcode?: number;
  /** Also over TCP. */
  readonly truncated?: boolean;
  /** Adds to the id of the query, so that it is another. */
  readonly idOff?: number;
  /** Instead of the one that was asked. */
  readonly question?: WireQuestion;
  /** The OPT record of the response; `none` also where the query has one. Default: an echo, with these options. */
  readonly opt?: 'none' | { readonly extendedRcode?: number; readonly options?: readonly RawOption[] };
  /** Reply of a server that is neither authoritative nor a resolver. */
  readonly lame?: boolean;
}

/** An option of an OPT record; the types of dns-packet know some codes only. */
export interface RawOption {
  readonly code: number;
  readonly data: Buffer;
}

const rawBytes = ({ bytes }: RawReply, query: Buffer): Buffer =>
  typeof bytes === 'function' ? bytes(query) : bytes;

const udpBytes = 512;

function optOf({ opt }: Reply, payload: number | undefined): readonly Resource[] {
  if (payload === undefined || opt === 'none') return [];
  const { extendedRcode = 0, options = [] } = opt ?? {};
  const fields = { ednsVersion: 0, flags: 0, flag_do: false, udpPayloadSize: 1232 };
  return [
    {
      type: 'OPT',
      name: '.',
      ...fields,
      extendedRcode,
      options: options as readonly unknown[] as PacketOpt[],
    },
  ];
}

function bytesOf(
  reply: Reply,
  {
    id,
    question,
    payload,
    transport,
  }: {
    readonly id: number;
    readonly question: WireQuestion;
    readonly payload: number | undefined;
    readonly transport: Transport;
  },
): Buffer {
  const flags = (reply.lame === true ? 0 : AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE) | (reply.rcode ?? 0);
  const message = {
    type: 'response' as const,
    id: (id + (reply.idOff ?? 0)) & 0xffff,
    flags: reply.truncated === true ? flags | TRUNCATED_RESPONSE : flags,
    questions: [reply.question ?? question],
    answers: [...(reply.answers ?? [])],
    authorities: [...(reply.authorities ?? [])],
    additionals: [...(reply.additionals ?? []), ...optOf(reply, payload)],
  };
  const bytes = encode(message);
  if (transport === 'tcp' || bytes.length <= (payload ?? udpBytes)) return bytes;
  return encode({
    ...message,
    flags: flags | TRUNCATED_RESPONSE,
    answers: [],
    authorities: [],
    additionals: [...optOf(reply, payload)],
  });
}

// Replies of a script.

export const silence: ReplyBehaviour = { silent: true };
export const formErr: ReplyBehaviour = { rcode: 1 };
export const servfail: ReplyBehaviour = { rcode: 2 };
export const notImp: ReplyBehaviour = { rcode: 4 };
export const refused: ReplyBehaviour = { rcode: 5 };
export const answer = (...answers: readonly Resource[]): ReplyBehaviour => ({ answers });
/** With the zone's SOA (TTLs as in `soa`); without a zone: none. */
export const nxDomain = (zone?: string): ReplyBehaviour => ({ rcode: 3, authorities: soas(zone) });
export const noData = (zone?: string): ReplyBehaviour => ({ authorities: soas(zone) });
/** Truncated over UDP, complete over TCP. */
export const truncatedThen = (whole: ReplyBehaviour, transport: Transport): ReplyBehaviour =>
  transport === 'tcp' ? whole : { truncated: true };
export const rawReply = (bytes: RawReply['bytes']): ReplyBehaviour => ({ bytes });
/** A response to the query that promises a record and ends. */
export const malformed: ReplyBehaviour = rawReply((query) => {
  const bytes = Buffer.concat([query, Buffer.from([0xc0, 0x0c, 0, 1])]);
  bytes.writeUInt16BE(0x8180, 2);
  bytes.writeUInt16BE(1, 6);
  return bytes;
});
/** Several messages for one query, such as forged ones before the true one. */
export const inTurn = (...then: readonly ReplyBehaviour[]): { readonly then: readonly ReplyBehaviour[] } => ({
  then,
});

const soas = (zone: string | undefined): readonly Resource[] => (zone === undefined ? [] : [soa(zone)]);

// Records. TTLs in seconds.

export const a = (name: string, data: string, ttl = 60): Resource => ({ type: 'A', name, ttl, data });
export const aaaa = (name: string, data: string, ttl = 60): Resource => ({ type: 'AAAA', name, ttl, data });
export const cname = (name: string, data: string, ttl = 60): Resource => ({ type: 'CNAME', name, ttl, data });

/** `priority weight port target`, as in a zone file. */
export function srv(name: string, text: string, ttl = 60): Resource {
  const [priority = '0', weight = '0', port = '0', target = '.'] = text.split(' ');
  const data = { priority: Number(priority), weight: Number(weight), port: Number(port), target };
  return { type: 'SRV', name, ttl, data };
}

export const soa = (zone: string, ttl = 60, minimum = 30): Resource => ({
  type: 'SOA',
  name: zone,
  ttl,
  data: {
    mname: `ns.${zone}`,
    rname: `admin.${zone}`,
    serial: 1,
    refresh: 60,
    retry: 60,
    expire: 60,
    minimum,
  },
});

/** 10.0.0.0, 10.0.0.1 and so on. */
export const manyA = (name: string, count: number, ttl = 60): readonly Resource[] =>
  Array.from({ length: count }, (_, i) => a(name, `10.0.${i >> 8}.${i & 255}`, ttl));
