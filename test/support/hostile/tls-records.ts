import { createCipheriv, createHmac } from 'node:crypto';
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Certificate } from '../../probe/support/certificates.ts';
import type { Prelude } from './begin-tls.ts';
import { ALPNProtocols, speakPrelude } from './begin-tls.ts';

/** Types of TLS records (RFC 8446, section 5.1). */
export const recordType = { changeCipherSpec: 20, alert: 21, handshake: 22, data: 23 } as const;

/** A record in clear. */
export function plainRecord(type: number, body: Uint8Array, version = 0x0303): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(version, 1);
  head.writeUInt16BE(body.length, 3);
  return Buffer.concat([head, body]);
}

/** A message of the handshake protocol. */
export function handshakeMessage(type: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(4, type);
  head.writeUIntBE(body.length, 1, 3);
  return Buffer.concat([head, body]);
}

/** Encrypts a record as the server of one connection; each call is the next record. */
export type Encrypt = (type: number, body: Uint8Array) => Buffer;

interface Keys {
  readonly encrypt: Encrypt;
}

/** Bytes of the connection below TLS, so that records of our own can follow those of Node. */
class Wire extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => void this.push(chunk));
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.#socket.write(chunk);
    done();
  }
}

/** Tickets that OpenSSL sends after a handshake of TLS 1.3, which are the first records under its keys. */
const ticketsSent = 2;

/**
 * Shakes hands as a server of the version, with AES-128-GCM, and then leaves the connection to `act`, which writes records of
 * its own under the keys of the connection. Node has no way to send such records.
 */
export function takeOverTls(
  version: 'TLSv1.2' | 'TLSv1.3',
  prelude: Prelude,
  certificate: Certificate,
  act: (socket: Socket, encrypt: Encrypt) => void,
): (socket: Socket) => void {
  const ciphers = version === 'TLSv1.2' ? 'ECDHE-RSA-AES128-GCM-SHA256' : 'TLS_AES_128_GCM_SHA256';
  const secureContext = createSecureContext({
    ...certificate,
    ciphers,
    minVersion: version,
    maxVersion: version,
  });
  return (socket) =>
    speakPrelude(socket, prelude, () => {
      const randoms: Buffer[] = [];
      const wire = new Wire(socket);
      const secured = new TLSSocket(wire, { isServer: true, secureContext, ALPNProtocols });
      secured.on('error', () => undefined);
      const lines = new Map<string, readonly string[]>();
      const write = wire._write.bind(wire);
      // The random of the server is in its hello, the first record that it writes.
      wire._write = (chunk, encoding, done) => {
        if (randoms.length === 0) randoms.push(chunk.subarray(11, 43));
        write(chunk, encoding, done);
      };
      secured.on('keylog', (line: Buffer) => {
        const [label = '', ...rest] = line.toString().trim().split(' ');
        lines.set(label, rest);
      });
      const begin = (): void => {
        const [random = Buffer.alloc(32)] = randoms;
        const keys = version === 'TLSv1.2' ? keys12(lines, random) : keys13(lines);
        act(socket, keys.encrypt);
      };
      // The client has finished its handshake when it sends its first bytes; the tickets are written in that turn. From then on
      // Node must not answer what the client sends.
      secured.once('data', () =>
        setImmediate(() => {
          socket.removeAllListeners('data').resume();
          begin();
        }),
      );
    });
}

const hex = (text = ''): Buffer => Buffer.from(text, 'hex');

/** RFC 5246, sections 5 and 6.3; RFC 5288. */
function keys12(lines: ReadonlyMap<string, readonly string[]>, serverRandom: Buffer): Keys {
  const [clientRandom, master] = lines.get('CLIENT_RANDOM') ?? [];
  const seed = Buffer.concat([Buffer.from('key expansion'), serverRandom, hex(clientRandom)]);
  const hmac = (data: Uint8Array) => createHmac('sha256', hex(master)).update(data).digest();
  let a: Buffer = seed;
  const block = Buffer.concat(
    [0, 1].map(() => {
      a = hmac(a);
      return hmac(Buffer.concat([a, seed]));
    }),
  );
  const [key, salt] = [block.subarray(16, 32), block.subarray(36, 40)];
  // The first record under these keys was Finished.
  let sequence = 1n;
  return {
    encrypt: (type, body) => {
      const explicit = Buffer.alloc(8);
      explicit.writeBigUInt64BE(sequence);
      const about = Buffer.concat([explicit, plainRecord(type, body).subarray(0, 5)]);
      sequence += 1n;
      const cipher = createCipheriv('aes-128-gcm', key, Buffer.concat([salt, explicit])).setAAD(about);
      const sealed = [explicit, cipher.update(body), cipher.final(), cipher.getAuthTag()];
      return plainRecord(type, Buffer.concat(sealed));
    },
  };
}

/** RFC 8446, sections 5.2 and 7.3. */
function keys13(lines: ReadonlyMap<string, readonly string[]>): Keys {
  let secret = hex(lines.get('SERVER_TRAFFIC_SECRET_0')?.[1]);
  let [key, iv] = [expand(secret, 'key', 16), expand(secret, 'iv', 12)];
  let sequence = BigInt(ticketsSent);
  return {
    encrypt: (type, body) => {
      const nonce = Buffer.alloc(12);
      nonce.writeBigUInt64BE(sequence, 4);
      sequence += 1n;
      const inner = Buffer.concat([body, Buffer.of(type)]);
      const about = Buffer.alloc(5, plainRecord(recordType.data, Buffer.alloc(inner.length + 16)));
      const cipher = createCipheriv('aes-128-gcm', key, xor(nonce, iv)).setAAD(about);
      const sealed = Buffer.concat([cipher.update(inner), cipher.final(), cipher.getAuthTag()]);
      if (type === recordType.handshake && body[0] === keyUpdate) {
        secret = expand(secret, 'traffic upd', 32);
        [key, iv, sequence] = [expand(secret, 'key', 16), expand(secret, 'iv', 12), 0n];
      }
      return plainRecord(recordType.data, sealed);
    },
  };
}

/** Type of the message that asks for new keys; those of its sender change with it. */
export const keyUpdate = 24;

function expand(secret: Buffer, name: string, length: number): Buffer {
  const label = Buffer.from(`tls13 ${name}`);
  const info = Buffer.concat([Buffer.of(0, length, label.length), label, Buffer.of(0)]);
  // HKDF-Expand alone: hkdfSync extracts first.
  return createHmac('sha256', secret)
    .update(Buffer.concat([info, Buffer.of(1)]))
    .digest()
    .subarray(0, length);
}

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));
