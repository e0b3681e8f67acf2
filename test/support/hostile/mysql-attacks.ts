import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { packet, switchTo } from '../../probe/support/mysql-bytes.ts';
import { down, none, slow, up } from './attack.ts';
import type { Answer, Attack, Attacks } from './attack.ts';
import { drip, flood, floodWith, letters, pieces } from './floods.ts';

const notMysql = down('WrongProtocol', 'not of the MySQL protocol');
const row = (name: string, answer: Answer, expected = notMysql): Attack => ({ name, answer, expected });
const login = (name: string, answer: Answer, expected = notMysql): Attack => ({
  ...row(`login: ${name}`, answer, expected),
  login: true,
});
/** Of the login, when there is no TLS; inside TLS the response is the third packet. */
const sequenceOf = (first: Buffer): number => ((first[3] ?? 1) + 1) & 0xff;

/** Answers with packets that have the right numbers, whatever the client answers. */
const numbered =
  (make: (sequence: number) => Buffer): Answer =>
  (stream) => {
    stream.once('data', (bytes: Buffer) => {
      let sequence = sequenceOf(bytes);
      floodWith(stream, () =>
        Buffer.concat(
          Array.from({ length: 1_000 }, () => {
            const next = make(sequence);
            sequence = (sequence + 2) & 0xff;
            return next;
          }),
        ),
      );
    });
  };
/** The same, each after an answer of the client. */
const turns =
  (make: (sequence: number, turn: number) => Buffer): Answer =>
  (stream) => {
    let turn = 0;
    stream.on('data', (bytes: Buffer) => {
      stream.write(make(sequenceOf(bytes), turn));
      turn += 1;
    });
  };
const first =
  (act: (stream: Duplex, sequence: number) => void): Answer =>
  (stream) =>
    void stream.once('data', (bytes: Buffer) => act(stream, sequenceOf(bytes)));

const key = (bits: number): Buffer => {
  const modulus = Buffer.alloc(bits / 8, 0xff);
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' };
  return Buffer.from(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }));
};
const ecKey = Buffer.from(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }),
);
/** Makes the client ask for the key of the server, and gives it this one. */
const withKey = (pem: Uint8Array): Answer =>
  turns((sequence, turn) => {
    if (turn === 0) return switchTo(sequence, 'caching_sha2_password');
    return turn === 1 ? packet(sequence, [1, 4]) : packet(sequence, [1], pem);
  });
const usable = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({
  type: 'spki',
  format: 'pem',
});
const unusable = up('AuthFailed', 'the RSA key of the server is malformed or has more than');
const manyPackets = down('WrongProtocol', 'more than 16 packets');
const hugePacket = first((stream) => {
  stream.write(Buffer.of(0xff, 0xff, 0xff, 2));
  flood(stream, letters);
});
const splitPackets = first((stream, sequence) => {
  let left = 0;
  let number = sequence;
  floodWith(stream, () => {
    left = left === 0 ? 256 : left - 1;
    if (left > 0) return letters;
    number = (number + 1) & 0xff;
    return Buffer.of(0xff, 0xff, 0xff, number);
  });
});
const tooLong = down('WrongProtocol', 'a packet of more than 64 KiB');
const progress = (sequence: number) => packet(sequence, [0xff, 0xff, 0xff, 1, 1, 1, 0, 0, 0, 1], 'a');
/** Lets the client in, and answers its query with this packet again and again. */
const rows =
  (again: Buffer): Answer =>
  (stream) => {
    let isIn = false;
    stream.on('data', (bytes: Buffer) => {
      if (!isIn) {
        isIn = true;
        stream.write(packet(sequenceOf(bytes), [0, 0, 0, 2, 0, 0, 0]));
        return;
      }
      stream.removeAllListeners('data').resume();
      stream.write(packet(1, [200]));
      flood(stream, again);
    });
  };
/** Announces 16 MB of content: a client without compression reads another packet in it. */
const compressed = first(
  (s, n) => void s.write(Buffer.from([9, 0, 0, n, 0xff, 0xff, 0xff, 0x78, 0x9c, 3, 0, 0, 0, 0, 1])),
);
const nativeSwitch = (sequence: number) => switchTo(sequence, 'mysql_native_password');

export const mysqlAttacks = {
  bytes: [row('letters', (s) => flood(s, letters)), login('letters', (s) => flood(s, letters), tooLong)],
  silence: [
    slow('silence', () => undefined, 'no reply to the login'),
    { ...slow('login: silence', () => undefined, 'no reply to the login'), login: true },
  ],
  drip: [
    slow(
      'packet',
      first((s) => drip(s, Buffer.of(0, 0x10, 0, 2, 0xfe, 0x61))),
      'no reply to the login',
    ),
    {
      ...slow(
        'login: packet',
        first((s) => drip(s, Buffer.of(0, 0x10, 0, 2, 0xfe, 0x61))),
        'no reply to the login',
      ),
      login: true,
    },
  ],
  pieces: [
    row(
      'packet in pieces',
      first((s, n) => pieces(s, Buffer.of(0, 0x10, 0, n, 0xfe, 0x61))),
      down('WrongProtocol', '200 pieces'),
    ),
    login(
      'packet in pieces',
      first((s, n) => pieces(s, Buffer.of(0, 0x10, 0, n, 0xfe, 0x61))),
      down('WrongProtocol', '200 pieces'),
    ),
  ],
  messages: [
    row('switches', numbered(nativeSwitch)),
    row('switches in turns', turns(nativeSwitch)),
    login('switches', numbered(nativeSwitch), manyPackets),
    login('switches in turns', turns(nativeSwitch), manyPackets),
    login(
      'more of a plugin',
      numbered((n) => packet(n, [1, 3])),
      up('AuthFailed'),
    ),
    login(
      'next factors',
      numbered((n) => packet(n, [2], 'mysql_native_password\0', `${'n'.repeat(20)}\0`)),
      manyPackets,
    ),
    login(
      'empty packets',
      numbered((n) => packet(n)),
      down('WrongProtocol'),
    ),
    login('rows', rows(packet(2)), down('WrongProtocol', 'more than 2000 packets')),
    login('large rows', rows(packet(2, Buffer.alloc(60_000))), down('WrongProtocol', '256 KiB')),
  ],
  preliminaries: [
    row('reports of progress', numbered(progress)),
    login('reports of progress', numbered(progress), down('NotServing')),
  ],
  lengths: [
    row('packet of 16 MB', hugePacket),
    login('packet of 16 MB', hugePacket, tooLong),
    row('packets of 16 MB that are one', splitPackets),
    login('packets of 16 MB that are one', splitPackets, tooLong),
    login(
      'text longer than its packet',
      first((s, n) => void s.write(packet(n, [0xff, 0x15, 0x04, 0x23]))),
      up('AuthFailed', '1045'),
    ),
  ],
  nesting: none('its packets have no values within values'),
  compression: [
    slow('compressed packet', compressed, 'no reply to the login'),
    login('compressed packet', compressed, down('NotServing')),
  ],
  computation: [
    login('RSA key of 16,384 bits', withKey(key(16_384)), unusable),
    login('RSA key of 5,000 bits', withKey(key(5_000)), unusable),
    login('RSA key of 60 KB', withKey(Buffer.from(' '.repeat(60_000) + String(usable))), unusable),
    login('key of another kind', withKey(ecKey), unusable),
    login(
      'key under a password',
      withKey(
        Buffer.from('-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n'),
      ),
      unusable,
    ),
  ],
} satisfies Attacks;
