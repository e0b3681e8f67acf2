import { down, none, slow } from './attack.ts';
import type { Answer, Attacks } from './attack.ts';
import { drip, flood, letters, pieces } from './floods.ts';

const sends =
  (before: string, again: string): Answer =>
  (stream) => {
    stream.write(before);
    flood(stream, Buffer.from(again));
  };
const notResp = down('WrongProtocol', 'not RESP');
const row = (name: string, answer: Answer, expected = notResp) => ({ name, answer, expected });

/** Answers PING, and the next question with these bytes. */
const atInfo =
  (before: string, again: string): Answer =>
  (stream) => {
    stream.write('+PONG\r\n');
    stream.once('data', () => sends(before, again)(stream));
  };

export const redisAttacks = {
  bytes: [row('letters', (s) => flood(s, letters))],
  silence: [slow('silence', () => undefined, 'no answer within')],
  drip: [slow('status', (s) => drip(s, Buffer.from('+PONG')), 'the answer started')],
  pieces: [
    row('status in pieces', (s) => pieces(s, Buffer.from('+PONG')), down('WrongProtocol', '200 pieces')),
  ],
  messages: [
    row('pushes of RESP 3', sends('', '>2\r\n+a\r\n+b\r\n')),
    row('empty arrays', sends('', '*0\r\n')),
    row('status without end', sends('+', 'a')),
    row('status at INFO without end', atInfo('+', 'a')),
  ],
  preliminaries: [
    row('attributes of RESP 3', sends('', '|1\r\n+a\r\n+b\r\n')),
    row('streamed string of RESP 3', sends('$?\r\n', ';1\r\na\r\n')),
  ],
  lengths: [
    row('bulk of 2 GiB', atInfo('$2147483647\r\n', 'a')),
    row('bulk of 500,000 bytes', atInfo('$500000\r\n', 'a')),
    row('bulk of 40 digits', atInfo(`$${'9'.repeat(40)}\r\n`, 'a')),
    row('bulk of a negative length', atInfo('$-2147483648\r\n', 'a')),
    row('bulk of 64 KiB', atInfo('$65536\r\n', 'a'), down('WrongProtocol', 'more than 64 KiB')),
    row('bulk longer than its length', atInfo('$1\r\n', 'a')),
    row('array of 2 billion', sends('*2147483647\r\n', '+a\r\n')),
  ],
  nesting: [row('arrays', sends('', '*1\r\n')), row('maps of RESP 3', sends('', '%1\r\n'))],
  compression: none('RESP has no compression'),
  computation: [
    {
      ...row('INFO of many lines', (s) => {
        s.write('+PONG\r\n');
        const text = 'a:\r\n'.repeat(16_000);
        s.once('data', () => s.write(`$${text.length}\r\n${text}\r\n`));
      }),
      expected: { kind: 'up', reason: 'Responded' },
    },
    row('error without end', sends('-', 'A')),
  ],
} satisfies Attacks;
