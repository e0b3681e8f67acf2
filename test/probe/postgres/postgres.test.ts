import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { postgresProtocol } from '../../../src/probe/postgres/postgres.ts';
import {
  bytes,
  decide,
  error,
  handler,
  isIn,
  message,
  more,
  parameter,
  scram,
  verdictOf,
} from '../support/postgres-messages.ts';

const ready = message('Z', bytes('I'));

describe('a PostgreSQL login', () => {
  it('begins with protocol 3.0, who comes and where to', () => {
    const [user, database] = ['user\0external_backend_probe\0', 'database\0postgres\0'];
    const rest = 'application_name\0external-backend-operator\0\0';
    const length = 8 + user.length + database.length + rest.length;
    expect(postgresProtocol(handler()).next(Buffer.alloc(0))).toEqual({
      kind: 'send',
      consumed: 0,
      bytes: bytes([0, 0, 0, length, 0, 3, 0, 0], user, database, rest),
    });
  });

  it('names the user and the database of the handler', () => {
    const step = postgresProtocol(handler({ user: 'me', database: 'orders' })).next(Buffer.alloc(0));
    expect(step.kind === 'send' && Buffer.from(step.bytes).toString('latin1')).toContain(
      'user\0me\0database\0orders\0',
    );
  });

  it('asks for TLS first in every other mode', () => {
    for (const sslMode of ['prefer', 'require', 'verify-ca', 'verify-full'] as const) {
      const machine = postgresProtocol(handler({ sslMode }));
      expect(machine.next(Buffer.alloc(0))).toEqual({
        kind: 'send',
        consumed: 0,
        bytes: Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47),
      });
      expect(machine.next(Buffer.alloc(0))).toEqual(more);
      expect(machine.next(bytes('S'))).toEqual({ kind: 'secure', consumed: 1 });
      expect(machine.next(Buffer.alloc(0))).toMatchObject({ kind: 'send', consumed: 0 });
      expect(machine.next(scram)).toMatchObject({ kind: 'done', verdict: { kind: 'up' } });
    }
  });

  it('goes on without TLS where the server has none, in mode prefer only', () => {
    expect(verdictOf(bytes('N', scram.toString('latin1')), { sslMode: 'prefer' })).toMatchObject({
      kind: 'up',
    });
    for (const sslMode of ['require', 'verify-ca', 'verify-full'] as const) {
      expect(verdictOf(bytes('N'), { sslMode })).toEqual({
        kind: 'down',
        reason: 'TlsFailed',
        message: 'the server does not offer TLS',
      });
    }
  });

  it('ends with Terminate only where a session stands', () => {
    expect(decide([scram])).toEqual({
      kind: 'done',
      verdict: { kind: 'up', reason: 'Responded', message: '' },
    });
    expect(decide([isIn, ready])).toMatchObject({ finalBytes: Uint8Array.of(0x58, 0, 0, 0, 4) });
    expect(decide([error('57P03', 'x')])).not.toHaveProperty('finalBytes');
  });

  it('waits, once let in, for the session itself', () => {
    expect(decide([isIn])).toBeUndefined();
    expect(verdictOf(Buffer.concat([isIn, error('3D000', 'database "x" does not exist')]))).toMatchObject({
      kind: 'up',
      reason: 'Responded',
    });
    expect(verdictOf(Buffer.concat([isIn, error('53300', 'sorry, too many clients already')]))).toMatchObject(
      { reason: 'Saturated' },
    );
  });

  it('knows the role where a session tells it', () => {
    const told = (value: string) =>
      verdictOf(
        Buffer.concat([isIn, parameter('in_hot_standby', value), message('K', Buffer.alloc(8)), ready]),
      );
    expect(told('off')).toMatchObject({ kind: 'up', role: 'Primary' });
    expect(told('on')).toMatchObject({ kind: 'up', role: 'Replica' });
    expect(verdictOf(Buffer.concat([isIn, parameter('TimeZone', 'on'), ready]))).not.toHaveProperty('role');
  });

  it('passes over notices and the offer of an older protocol', () => {
    const notice = message('N', bytes('SNOTICE\0C00000\0Mhello\0\0'));
    const version = message('v', Buffer.alloc(8));
    expect(verdictOf(Buffer.concat([notice, version, scram]))).toMatchObject({ kind: 'up' });
  });
});

describe('what is not PostgreSQL', () => {
  it.each([
    ['HTTP', bytes('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['MySQL', bytes([0x4a, 0, 0, 0, 10], '10.11.6-MariaDB\0')],
    ['a Redis error', bytes('-ERR unknown command\r\n')],
    ['a text that begins with E and has control characters', bytes('EHLO \x01')],
    ['a text that begins with E and is no line', bytes('Error\0')],
    ['an endless text that begins with E', bytes(`E${'x'.repeat(2_000)}`)],
    ['an error without a SQLSTATE', message('E', bytes('SFATAL\0Mno\0\0'))],
    ['an error whose last field has no end', message('E', bytes('C57P03\0Mabc'))],
    ['an authentication request of 1 GB', bytes('R', [0x40, 0, 0, 0])],
    ['readiness before a login', ready],
    ['two logins', Buffer.concat([isIn, isIn])],
  ])('%s is WrongProtocol, and not quoted', (_, answer) => {
    for (const sslMode of ['disable', 'require'] as const)
      expect(verdictOf(answer, { sslMode })).toEqual({
        kind: 'down',
        reason: 'WrongProtocol',
        message: 'the answer is not of the PostgreSQL protocol',
      });
  });
});

describe('however the bytes are cut', () => {
  const piece = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(scram, isIn, ready, parameter('a', 'b'), bytes('N'), bytes('E')),
    },
    fc.string({ maxLength: 30 }).map((text) => error('57P03', text)),
    fc.string({ maxLength: 30 }).map((text) => bytes(`E${text}\n\0`)),
    fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
    fc
      .tuple(fc.constantFrom('R', 'E', 'N', 'S', 'K', 'Z', 'v'), fc.uint8Array({ maxLength: 30 }))
      .map(([type, body]) => message(type, Buffer.from(body))),
  );
  const stream = fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.concat(pieces));

  it('the verdict is the same, and nothing throws', () => {
    const cuts = fc.array(fc.nat(400), { maxLength: 10 });
    fc.assert(
      fc.property(
        stream,
        cuts,
        fc.constantFrom('disable', 'prefer', 'require' as const),
        (all, at, sslMode) => {
          const places = [
            0,
            ...at.map((place) => place % (all.length + 1)).toSorted((a, b) => a - b),
            all.length,
          ];
          const pieces = places.slice(1).map((end, index) => all.subarray(places[index], end));
          const whole = decide([all], { sslMode });
          expect(decide(pieces, { sslMode })).toEqual(whole);
          expect(
            decide(
              [...all].map((byte) => Uint8Array.of(byte)),
              { sslMode },
            ),
          ).toEqual(whole);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
