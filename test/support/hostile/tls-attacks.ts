import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { Certificate } from '../../probe/support/certificates.ts';
import { down } from './attack.ts';
import type { Expected, Serve } from './attack.ts';
import { beginTls, speakPrelude } from './begin-tls.ts';
import type { Prelude } from './begin-tls.ts';
import { dhParameters } from './dh-parameters.ts';
import { drip, flood, pieces } from './floods.ts';
import { handshakeMessage, keyUpdate, plainRecord, recordType, takeOverTls } from './tls-records.ts';
import type { Encrypt } from './tls-records.ts';

/** What a server can do to the TLS of any protocol. */
export interface TlsAttack {
  readonly name: string;
  readonly serve: (prelude: Prelude, certificate: Certificate) => Serve;
  readonly expected: Expected;
  readonly isSlow?: true;
  /** Comes after the handshake: a probe that ends with it does not see it. */
  readonly isAfterHandshake?: true;
}

/** In place of a handshake. */
const instead =
  (act: (socket: Socket) => void): TlsAttack['serve'] =>
  (prelude) =>
  (socket) =>
    speakPrelude(socket, prelude, () => void socket.once('data', () => act(socket)).resume());

const again = (bytes: Uint8Array): TlsAttack['serve'] => instead((socket) => flood(socket, bytes));

/** More than a run receives. */
const enough = 300 * 1024;

/** Writes records until there are enough, a block after another: each record costs this side more than the other. */
function writeRecords(socket: Socket, next: () => Uint8Array): void {
  let total = 0;
  const more = (): void => {
    const records: Uint8Array[] = [];
    for (let length = 0; length < 16_384; length += records.at(-1)?.length ?? 0) records.push(next());
    const block = Buffer.concat(records);
    total += block.length;
    if (socket.destroyed) return;
    socket.write(block);
    if (total < enough) setImmediate(more);
  };
  more();
}

const after = (
  name: string,
  version: 'TLSv1.2' | 'TLSv1.3',
  next: (encrypt: Encrypt) => Uint8Array,
  expected = down(any),
): TlsAttack => ({
  ...{ name: `${version}: ${name}`, expected, isAfterHandshake: true },
  serve: (prelude, certificate) =>
    takeOverTls(version, prelude, certificate, (socket, encrypt) =>
      writeRecords(socket, () => next(encrypt)),
    ),
});
/** Reasons of a connection that TLS or a bound ended. */
const any = '(TlsFailed|WrongProtocol|ClosedEarly|Reset)';
const failed = down('TlsFailed');
const manyRecords = down('WrongProtocol', 'more than 400 TLS records');
/** The handshake fails, or its records are too many. */
const refused = down('(TlsFailed|WrongProtocol)');

const withOptions =
  (more: (certificate: Certificate) => SecureContextOptions): TlsAttack['serve'] =>
  (prelude, certificate) =>
  (socket) =>
    beginTls(socket, prelude, { ...certificate, ...more(certificate) });

const { alert, changeCipherSpec, data, handshake } = recordType;
const warning = Buffer.of(1, 90);

/** ServerHello of TLS 1.2 with compression by DEFLATE (RFC 3749), which no client of ours offers. */
const compressing = handshakeMessage(
  2,
  Buffer.concat([Buffer.of(3, 3), Buffer.alloc(32, 7), Buffer.of(0, 0xc0, 0x2f, 1)]),
);
/** A ticket of TLS 1.3 (RFC 8446, section 4.6.1). */
const ticket = handshakeMessage(
  4,
  Buffer.concat([Buffer.of(0, 0, 0x1c, 0x20, 0, 0, 0, 0, 1, 1, 0, 4), Buffer.from('tick'), Buffer.of(0, 0)]),
);

export const tlsAttacks: readonly TlsAttack[] = [
  {
    ...{ name: 'drip of a record', expected: down('Timeout'), isSlow: true },
    serve: instead((socket) => drip(socket, plainRecord(handshake, Buffer.alloc(1_000)))),
  },
  {
    ...{ name: 'record in pieces', expected: down('WrongProtocol') },
    serve: instead((socket) => pieces(socket, plainRecord(handshake, Buffer.alloc(1_000)))),
  },
  { name: 'HelloRequest', serve: again(plainRecord(handshake, handshakeMessage(0))), expected: refused },
  { name: 'warnings', serve: again(plainRecord(alert, warning)), expected: refused },
  { name: 'empty records', serve: again(plainRecord(handshake, Buffer.alloc(0))), expected: refused },
  {
    ...{ name: 'ChangeCipherSpec', expected: down('WrongProtocol', 'did not answer with TLS') },
    serve: again(plainRecord(changeCipherSpec, Buffer.of(1))),
  },
  {
    name: 'handshake message of 16 MiB',
    serve: again(plainRecord(handshake, Buffer.from([11, 0xff, 0xff, 0xff, ...Buffer.alloc(1_000)]))),
    expected: failed,
  },
  { name: 'compression', serve: again(plainRecord(handshake, compressing)), expected: refused },
  {
    ...{ name: '60 certificates', expected: down('TlsFailed', 'too many or too large certificates') },
    serve: withOptions(({ cert }) => ({ cert: Array.from({ length: 60 }, () => cert).join('\n') })),
  },
  {
    ...{ name: 'DHE of 10,000 bits', expected: down('TlsFailed', 'DHE is not offered') },
    serve: withOptions(() => ({
      ...{ dhparam: dhParameters(10_000), maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256' },
    })),
  },
  after('HelloRequest', 'TLSv1.2', (encrypt) => encrypt(handshake, handshakeMessage(0)), manyRecords),
  after('warnings', 'TLSv1.2', (encrypt) => encrypt(alert, warning)),
  after('empty records', 'TLSv1.2', (encrypt) => encrypt(data, Buffer.alloc(0))),
  after('tickets', 'TLSv1.3', (encrypt) => encrypt(handshake, ticket), manyRecords),
  after(
    'KeyUpdate',
    'TLSv1.3',
    (encrypt) => encrypt(handshake, handshakeMessage(keyUpdate, Buffer.of(0))),
    manyRecords,
  ),
  after(
    'KeyUpdate that asks for another',
    'TLSv1.3',
    (encrypt) => encrypt(handshake, handshakeMessage(keyUpdate, Buffer.of(1))),
    manyRecords,
  ),
  after('empty records', 'TLSv1.3', (encrypt) => encrypt(data, Buffer.alloc(0))),
  {
    ...{
      name: 'renegotiation',
      isAfterHandshake: true,
      expected: down('TlsFailed', 'asked for renegotiation'),
    },
    serve: (prelude, certificate) => (socket) =>
      beginTls(socket, prelude, { ...certificate, maxVersion: 'TLSv1.2' }, (secured) => {
        const next = (): void => void secured.renegotiate({}, next);
        secured.once('data', next);
      }),
  },
];
