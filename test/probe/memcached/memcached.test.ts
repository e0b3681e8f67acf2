import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { memcachedProtocol } from '../../../src/probe/memcached/memcached.ts';
import { cuts, hear } from '../support/hear.ts';

const heard = (text: string) => hear(memcachedProtocol(), [Buffer.from(text, 'latin1')]);

describe('the memcached probe sends', () => {
  it('version and nothing else', () => {
    expect(heard('VERSION 1.6.18\r\n').sent.toString()).toBe('version\r\n');
  });

  it('nothing before TLS is established', () => {
    const protocol = memcachedProtocol({ secure: true });
    expect(protocol.next(Buffer.alloc(0))).toEqual({ kind: 'secure', consumed: 0 });
    expect(protocol.next(Buffer.alloc(0))).toMatchObject({ kind: 'send' });
  });
});

/** Texts of memcached (proto_text.c, memcached.c), of mcrouter, and of servers with another protocol. */
const answers: readonly (readonly [string, object])[] = [
  ['VERSION 1.6.18', { kind: 'up', reason: 'Responded', message: '' }],
  ['VERSION mcrouter 1.0', { kind: 'up', reason: 'Responded', message: '' }],
  ['CLIENT_ERROR unauthenticated', { kind: 'up', reason: 'AuthRequired' }],
  ['ERROR Too many open connections', { kind: 'inconclusive', reason: 'Saturated' }],
  ['ERROR', { kind: 'down', reason: 'NotServing' }],
  ['CLIENT_ERROR line too long', { kind: 'down', reason: 'NotServing' }],
  ['SERVER_ERROR out of memory preparing response', { kind: 'down', reason: 'NotServing' }],
  ['', { kind: 'down', reason: 'WrongProtocol' }],
  ['VERSION', { kind: 'down', reason: 'WrongProtocol' }],
  ['VERSION \x00\x01', { kind: 'down', reason: 'WrongProtocol' }],
  ['ERRORS', { kind: 'down', reason: 'WrongProtocol' }],
  ["-ERR unknown command 'version'", { kind: 'down', reason: 'WrongProtocol' }],
  ['HTTP/1.1 400 Bad Request', { kind: 'down', reason: 'WrongProtocol' }],
  ['220 mail.example.com ESMTP', { kind: 'down', reason: 'WrongProtocol' }],
];

describe('the memcached probe understands', () => {
  it.each(answers)('%j', (answer, verdict) => {
    expect(heard(`${answer}\r\n`).verdict).toMatchObject(verdict);
  });

  it('an answer that is cut at any place, and ignores what follows it', () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(...answers)
          .chain(([answer, verdict]) =>
            cuts(
              fc.constantFrom('', 'x', '\r\n').map((rest) => Buffer.from(`${answer}\r\n${rest}`, 'latin1')),
            ).map((pieces) => ({ pieces, verdict })),
          ),
        ({ pieces, verdict }) => expect(hear(memcachedProtocol(), pieces).verdict).toMatchObject(verdict),
      ),
    );
  });

  it('a greeting in bytes that are not text as another protocol, before its line ends', () => {
    expect(heard('J\x00\x00\x00\x0a8.0.36').verdict).toMatchObject({ reason: 'WrongProtocol' });
  });

  it('a line without end as another protocol', () => {
    expect(heard(`VERSION ${'1'.repeat(5_000)}`).verdict).toMatchObject({ reason: 'WrongProtocol' });
  });

  it('a server that closes before the end of the line as nothing', () => {
    expect(heard('VERSION 1.6.18').verdict).toBeUndefined();
  });
});

describe('the memcached probe repeats', () => {
  it('no byte of the server', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', 'VERSION ', 'ERROR ', 'CLIENT_ERROR ', 'SERVER_ERROR '),
        fc.constantFrom('\r\n', '\n', ''),
        (start, end) =>
          expect(JSON.stringify(heard(`${start}opensesame${end}`).verdict ?? '')).not.toContain('opensesame'),
      ),
    );
  });
});
