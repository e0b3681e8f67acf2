import { gzipSync } from 'node:zlib';
import { down, none, slow, up } from './attack.ts';
import type { Answer, Attacks } from './attack.ts';
import { drip, flood, letters, pieces } from './floods.ts';

const after =
  (head: string, bytes: string | Uint8Array): Answer =>
  (stream) => {
    stream.write(head);
    flood(stream, Buffer.from(bytes));
  };
const answer = 'HTTP/1.1 200 OK\r\n';
const chunked = `${answer}Transfer-Encoding: chunked\r\n\r\n`;
/** 1 GB of zeros. */
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
const tooLong = down('WrongProtocol', 'the response headers are over 64 KiB');
const isUp = up('Responded');

export const httpAttacks = {
  bytes: [{ name: 'letters', answer: (s) => flood(s, letters), expected: down('WrongProtocol', 'not HTTP') }],
  silence: [slow('silence', () => undefined, 'no answer within')],
  drip: [slow('header', (s) => drip(s, Buffer.from(`${answer}a: a`)), 'the answer started')],
  pieces: [
    {
      name: 'header in pieces',
      answer: (s) => pieces(s, Buffer.from(`${answer}a: a`)),
      expected: down('WrongProtocol', 'more than 200 pieces'),
    },
  ],
  messages: [
    { name: 'headers', answer: after(answer, 'a: b\r\n'), expected: tooLong },
    { name: 'continued header', answer: after(`${answer}a: b\r\n`, ' \r\n'), expected: tooLong },
    { name: 'chunks of one byte', answer: after(chunked, '1\r\na\r\n'), expected: isUp },
    { name: 'chunk extension', answer: after(`${chunked}1;`, 'a'), expected: isUp },
    { name: 'body without length', answer: after(`${answer}\r\n`, letters), expected: isUp },
    {
      name: 'redirects',
      answer: (s) => s.end(`HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n`),
      expected: down('UnexpectedStatus', 'stopped after 10 redirects'),
    },
  ],
  preliminaries: [
    {
      name: 'interim answers',
      answer: after('', 'HTTP/1.1 103 Early Hints\r\n\r\n'),
      expected: down('WrongProtocol', 'more than 10 interim answers'),
    },
    {
      name: 'headers of an interim answer',
      answer: after('HTTP/1.1 100 Continue\r\n', 'a: b\r\n'),
      expected: tooLong,
    },
  ],
  lengths: [
    {
      name: 'Content-Length of 8 EiB',
      answer: after(`${answer}Content-Length: 9223372036854775807\r\n\r\n`, letters),
      expected: isUp,
    },
    {
      name: 'Content-Length of 40 digits',
      answer: after(`${answer}Content-Length: ${'9'.repeat(40)}\r\n\r\n`, letters),
      expected: down('WrongProtocol', 'not HTTP'),
    },
    { name: 'chunk of 16 EiB', answer: after(`${chunked}ffffffffffffffff\r\n`, letters), expected: isUp },
  ],
  nesting: none('an answer of HTTP has no values within values'),
  compression: [
    {
      name: 'gzip bomb',
      answer: after(`${answer}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`, bomb),
      expected: isUp,
    },
    {
      name: 'gzip as transfer encoding',
      answer: after(`${answer}Transfer-Encoding: gzip, chunked\r\n\r\n`, bomb),
      expected: down('WrongProtocol', 'not HTTP'),
    },
  ],
  computation: [
    { name: 'blanks', answer: after(`${answer}a: b`, ' '), expected: tooLong },
    { name: 'status line', answer: after('HTTP/1.1 200', ' '), expected: tooLong },
    { name: 'names of one letter', answer: after(answer, 'a:\r\n'), expected: tooLong },
  ],
} satisfies Attacks;
