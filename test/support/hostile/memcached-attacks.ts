import { down, none, slow } from './attack.ts';
import type { Answer, Attacks } from './attack.ts';
import { drip, flood, letters, pieces } from './floods.ts';

const sends =
  (before: string, again: string): Answer =>
  (stream) => {
    stream.write(before);
    flood(stream, Buffer.from(again));
  };
const notMemcached = down('WrongProtocol', 'not of the text protocol of memcached');
const row = (name: string, answer: Answer, expected = notMemcached) => ({ name, answer, expected });
const isUp = { kind: 'up', reason: 'Responded' } as const;

export const memcachedAttacks = {
  bytes: [row('letters', (s) => flood(s, letters))],
  silence: [slow('silence', () => undefined, 'no answer within')],
  drip: [slow('version', (s) => drip(s, Buffer.from('VERSION 1.')), 'the answer started')],
  pieces: [
    row(
      'version in pieces',
      (s) => pieces(s, Buffer.from('VERSION 1.')),
      down('WrongProtocol', '200 pieces'),
    ),
  ],
  messages: [
    row('statistics', sends('', 'STAT pid 1\r\n')),
    row('empty lines', sends('', '\r\n')),
    { ...row('versions', sends('', 'VERSION 1.6.18\r\n')), expected: isUp },
  ],
  preliminaries: none('the first line is the answer'),
  lengths: [
    row('version without end', sends('VERSION ', '1')),
    row('value of 2 GiB', sends('VALUE a 0 2147483647\r\n', 'a')),
    row('error without end', sends('SERVER_ERROR ', 'a')),
  ],
  nesting: none('the text protocol has no nesting'),
  compression: none('the text protocol has no compression'),
  computation: [row('line feeds without returns', sends('VERSION ', '\n'))],
} satisfies Attacks;
