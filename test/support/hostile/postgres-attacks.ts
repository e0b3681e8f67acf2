import type { Duplex } from 'node:stream';
import { down, none, slow, up } from './attack.ts';
import type { Answer, Attack, Attacks } from './attack.ts';
import { drip, flood, letters, pieces } from './floods.ts';

/** A message of a PostgreSQL server. */
function backend(type: string, body: Uint8Array | string = ''): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5, type);
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}
const authentication = (code: number, body: Uint8Array | string = ''): Buffer =>
  backend('R', Buffer.concat([Buffer.of(0, 0, 0, code), Buffer.from(body)]));
const inside = authentication(0);
const ready = backend('Z', 'I');
const parameter = backend('S', '\0\0');
const notice = backend('N', 'SNOTICE\0C00000\0Ma\0\0');
/** Begins a notice of 29,000 bytes. */
const longNotice = Buffer.concat([Buffer.from('N'), Buffer.of(0, 0, 0x71, 0x48), Buffer.from('M')]);

const after =
  (before: readonly Uint8Array[], again: Uint8Array): Answer =>
  (stream) => {
    stream.write(Buffer.concat([...before]));
    flood(stream, again);
  };
const once =
  (...messages: readonly Uint8Array[]): Answer =>
  (stream) =>
    void stream.write(Buffer.concat([...messages]));

const notPostgres = down('WrongProtocol', 'not of the PostgreSQL protocol');
const row = (name: string, answer: Answer, expected = notPostgres): Attack => ({ name, answer, expected });
const login = (name: string, answer: Answer, expected = notPostgres): Attack => ({
  ...row(`login: ${name}`, answer, expected),
  login: true,
});
const few = down('WrongProtocol', 'more than 64 messages');
const more = down('WrongProtocol', 'more than 128 messages');

/** Asks for SCRAM, and answers its first message with a challenge of so many iterations, so often. */
function scram(iterations: string, { copies = 1, rounds = 1 } = {}): Answer {
  return (stream: Duplex) => {
    const begin = authentication(10, 'SCRAM-SHA-256\0\0');
    let left = rounds;
    stream.write(begin);
    stream.on('data', (bytes: Buffer) => {
      const [, nonce] = /r=([\x21-\x2b\x2d-\x7e]+)/.exec(bytes.toString('latin1')) ?? [];
      if (nonce === undefined) return;
      left -= 1;
      const challenge = authentication(11, `r=${nonce}a,s=c2FsdA==,i=${iterations}`);
      const round = Array.from({ length: copies }, () => challenge);
      stream.write(Buffer.concat(left > 0 ? [...round, begin] : round));
    });
  };
}
const tooMany = up('AuthFailed', 'more than 100000 iterations');
const columns = (count: number): Buffer => {
  const body = Buffer.alloc(2 + 19 * count);
  body.writeUInt16BE(count, 0);
  return backend('T', body);
};
/** Lets the client in, and answers its question with these. */
const asked =
  (...answers: readonly Uint8Array[]): Answer =>
  (stream) => {
    stream.write(Buffer.concat([inside, ready]));
    stream.once('data', () => void stream.write(Buffer.concat([...answers])));
  };

export const postgresAttacks = {
  bytes: [row('letters', (s) => flood(s, letters)), login('letters', (s) => flood(s, letters))],
  silence: [
    slow('silence', () => undefined, 'within'),
    { ...slow('login: silence', () => undefined, 'within'), login: true },
  ],
  drip: [
    slow('notice', (s) => drip(s, longNotice), 'within'),
    { ...slow('login: notice', (s) => drip(s, longNotice), 'within'), login: true },
  ],
  pieces: [
    row('notice in pieces', (s) => pieces(s, longNotice), down('WrongProtocol', '200 pieces')),
    login('notice in pieces', (s) => pieces(s, longNotice), down('WrongProtocol', '200 pieces')),
  ],
  messages: [
    row('parameters', after([inside], parameter), few),
    login('parameters', after([inside], parameter), more),
    login(
      'rows',
      (stream) => {
        stream.write(Buffer.concat([inside, ready]));
        stream.once('data', () =>
          after([columns(1)], backend('D', Buffer.of(0, 1, 0xff, 0xff, 0xff, 0xff)))(stream),
        );
      },
      more,
    ),
    login(
      'rows of no columns',
      (stream) => {
        stream.write(Buffer.concat([inside, ready]));
        stream.once('data', () => after([columns(0)], backend('D', Buffer.of(0, 0)))(stream));
      },
      more,
    ),
  ],
  preliminaries: [
    row('notices', after([], notice), few),
    login('notices', after([], notice), more),
    row('versions of the protocol', after([], backend('v', Buffer.alloc(8))), few),
  ],
  lengths: [
    row('message of 2 GiB', after([Buffer.from('S'), Buffer.of(0x7f, 0xff, 0xff, 0xff)], letters)),
    row('message of no length', after([Buffer.from('S'), Buffer.alloc(4)], letters)),
    row('error of 4 GiB', after([Buffer.from('E'), Buffer.of(0xff, 0xff, 0xff, 0xff)], letters)),
    login('message of 2 GiB', after([Buffer.from('S'), Buffer.of(0x7f, 0xff, 0xff, 0xff)], letters)),
    login('error without end', once(backend('E', 'SERROR'))),
    login('description of 65,535 columns', asked(backend('T', Buffer.of(0xff, 0xff)))),
    login('description of 3,400 columns', asked(columns(3_400), backend('C', 'SELECT 0\0'), ready)),
    login('value of 2 GiB', asked(columns(1), backend('D', Buffer.of(0, 1, 0x7f, 0xff, 0xff, 0xff)))),
  ],
  nesting: none('its messages have no values within values'),
  compression: none('its protocol has no compression'),
  computation: [
    row(
      'words of an error',
      once(backend('E', `SFATAL\0C08P01\0M${'client '.repeat(4_000)}\0\0`)),
      up('Responded', '08P01'),
    ),
    login('SCRAM, 2,147,483,647 iterations', scram('2147483647'), tooMany),
    login('SCRAM, iterations of 40 digits', scram('9'.repeat(40)), tooMany),
    login('SCRAM, 100 challenges at once', scram('100000', { copies: 100 })),
    login('SCRAM again and again', scram('100000', { rounds: 60 })),
  ],
} satisfies Attacks;
