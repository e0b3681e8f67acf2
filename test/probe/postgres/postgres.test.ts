import { afterEach, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import type { Check, PostgresHandler } from '../../../src/core/probing/check.ts';
import { createPostgres, postgresDialogue } from '../../../src/probe/postgres/postgres.ts';
import type { Step } from '../../../src/probe/connection/protocol.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { listen, refusingPort } from '../support/listener.ts';
import type { Listener, ListenerOptions } from '../support/listener.ts';

const probe = createPostgres();

const handler = (more: Partial<PostgresHandler> = {}): PostgresHandler => ({
  kind: 'postgres',
  sslMode: 'disable',
  saturatedIs: 'inconclusive',
  ...more,
});

function check(port: number, more: Partial<PostgresHandler> = {}, timeoutMs = 1_000): Check {
  return tcpCheck(port, { handler: handler(more), timeoutMs });
}

const bytes = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));

function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const scram = message('R', bytes([0, 0, 0, 10], 'SCRAM-SHA-256\0\0'));
const isIn = message('R', bytes([0, 0, 0, 0]));
const ready = message('Z', bytes('I'));
const parameter = (name: string, value: string) => message('S', bytes(`${name}\0${value}\0`));

function error(sqlstate: string, text: string, detail = ''): Buffer {
  const fields = `SFATAL\0VFATAL\0C${sqlstate}\0M${text}\0${detail && `D${detail}\0`}Fpostmaster.c\0\0`;
  return message('E', bytes(fields));
}

const more: Step = { kind: 'more' };

/** What the machine says in the end, fed with these pieces; undefined where it still waits. */
function decide(pieces: readonly Uint8Array[], options: Partial<PostgresHandler> = {}) {
  const machine = postgresDialogue(handler(options));
  let waiting = Buffer.alloc(0);
  let step = machine.next(waiting);
  for (const piece of [Buffer.alloc(0), ...pieces]) {
    waiting = Buffer.concat([waiting, piece]);
    for (;;) {
      if (step.kind === 'done' || step.kind === 'secure') return step;
      if (step.kind === 'send') waiting = waiting.subarray(step.consumed);
      else if (waiting.length > machine.maxBytes) return 'too much';
      const next = machine.next(waiting.subarray(0, machine.maxBytes));
      const isIdle = next.kind === 'more';
      step = next;
      if (isIdle) break;
    }
  }
  return undefined;
}

const verdictOf = (answer: Buffer, options: Partial<PostgresHandler> = {}) => {
  const step = decide([answer], options);
  return typeof step === 'object' && step.kind === 'done' ? step.verdict : step;
};

describe('a PostgreSQL login', () => {
  it('begins with protocol 3.0, who comes and where to', () => {
    const [user, database] = ['user\0external_backend_probe\0', 'database\0postgres\0'];
    const rest = 'application_name\0external-backend-operator\0\0';
    const length = 8 + user.length + database.length + rest.length;
    expect(postgresDialogue(handler()).next(Buffer.alloc(0))).toEqual({
      kind: 'send',
      consumed: 0,
      bytes: bytes([0, 0, 0, length, 0, 3, 0, 0], user, database, rest),
    });
  });

  it('names the user and the database of the handler', () => {
    const step = postgresDialogue(handler({ user: 'me', database: 'orders' })).next(Buffer.alloc(0));
    expect(step.kind === 'send' && Buffer.from(step.bytes).toString('latin1')).toContain(
      'user\0me\0database\0orders\0',
    );
  });

  it('asks for TLS first in every other mode', () => {
    for (const sslMode of ['prefer', 'require', 'verify-ca', 'verify-full'] as const) {
      const machine = postgresDialogue(handler({ sslMode }));
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

describe('an error in answer to a login', () => {
  it.each([
    ['57P03', 'the database system is starting up', 'down', 'StartingUp'],
    ['57P03', 'the database system is shutting down', 'down', 'ShuttingDown'],
    ['57P03', 'the database system is in recovery mode', 'down', 'InRecovery'],
    ['57P03', 'the database system is not yet accepting connections', 'down', 'InRecovery'],
    ['57P03', 'the database system is not accepting connections', 'down', 'InRecovery'],
    ['57P03', 'das Datenbanksystem startet', 'down', 'NotServing'],
    ['57P01', 'terminating connection due to administrator command', 'down', 'ShuttingDown'],
    ['57P02', 'terminating connection because of crash of another server process', 'down', 'InRecovery'],
    ['53300', 'sorry, too many clients already', 'inconclusive', 'Saturated'],
    ['53200', 'out of memory', 'inconclusive', 'Saturated'],
    ['08P01', 'no more connections allowed (max_client_conn)', 'inconclusive', 'Saturated'],
    ['08P01', 'pgbouncer cannot connect to server', 'down', 'NotServing'],
    ['08P01', 'the database system is shutting down', 'down', 'ShuttingDown'],
    ['08P01', 'the database system is in recovery mode', 'down', 'InRecovery'],
    ['08P01', 'sorry, too many clients already', 'inconclusive', 'Saturated'],
    [
      '08P01',
      'remaining connection slots are reserved for non-replication superuser connections',
      'inconclusive',
      'Saturated',
    ],
    ['08P01', 'too many connections for role "app"', 'up', 'Responded'],
    ['08P01', 'client connections exceeded (max_db_client_connections)', 'inconclusive', 'Saturated'],
    ['08P01', 'client connections exceeded (max_user_client_connections)', 'up', 'Responded'],
    ['08P01', 'query_wait_timeout', 'down', 'NotServing'],
    ['53300', 'too many connections for role "app"', 'up', 'Responded'],
    ['53300', 'too many active clients for user (pool_size for user a.b reached 5)', 'up', 'Responded'],
    ['53300', 'too many connections for database "shop"', 'inconclusive', 'Saturated'],
    ['53400', 'out of what is configured', 'inconclusive', 'Saturated'],
    ['08S01', 'unable to read data from DB node 0', 'down', 'NotServing'],
    ['08006', 'odyssey: c1: failed to get remote server connection', 'down', 'NotServing'],
    ['08004', 'timed out waiting for a connection', 'down', 'NotServing'],
    ['58000', 'could not get connection from the pool - AllServersDown', 'down', 'NotServing'],
    ['58000', 'No pool configured for database: "shop", user: "app"', 'up', 'Responded'],
    ['58030', 'could not read block 0 in file "base/5/1259"', 'down', 'NotServing'],
    ['58P01', 'could not open file "base/5/1259"', 'down', 'NotServing'],
    ['F0000', 'could not load pg_hba.conf', 'down', 'NotServing'],
    ['57P05', 'terminating connection due to idle-session timeout', 'down', 'NotServing'],
    ['57P04', 'terminating connection because the database was dropped', 'up', 'Responded'],
    ['57014', 'canceling statement due to statement timeout', 'up', 'Responded'],
    ['42501', 'permission denied for database "shop"', 'up', 'Responded'],
    ['55000', 'database "shop" is not currently accepting connections', 'up', 'Responded'],
    ['XX000', 'pgpool is not accepting any new connections', 'down', 'NotServing'],
    ['XX000', 'all backend nodes are down, pgpool requires at least one valid node', 'down', 'NotServing'],
    ['XX000', "couldn't connect to compute node", 'down', 'NotServing'],
    ['XX000', 'Tenant or user not found', 'up', 'Responded'],
    ['XX000', 'Max client connections reached', 'inconclusive', 'Saturated'],
    ['XX000', 'md5 authentication failed', 'up', 'AuthRequired'],
    ['XX001', 'invalid page in block 0 of relation base/5/1259', 'down', 'NotServing'],
    ['08P01', 'database "shop" is disabled', 'down', 'NotServing'],
    ['08P01', 'password authentication failed for user "app"', 'up', 'AuthRequired'],
    ['08P01', 'role "app" does not exist', 'up', 'AuthRequired'],
    ['08P01', 'database "role" does not exist', 'up', 'Responded'],
    [
      '08P01',
      'server login has been failing, cached error: connect failed (server_login_retry)',
      'down',
      'NotServing',
    ],
    [
      '08P01',
      'server login has been failing, cached error: the database system is starting up (server_login_retry)',
      'down',
      'StartingUp',
    ],
    [
      '08P01',
      'server login has been failing, cached error: sorry, too many clients already (server_login_retry)',
      'inconclusive',
      'Saturated',
    ],
    [
      '08P01',
      'server login has been failing, cached error: password authentication failed for user "app" (server_login_retry)',
      'up',
      'AuthRequired',
    ],
    ['08P01', 'no such database: shop', 'up', 'Responded'],
    ['08P01', 'unsupported startup parameter: application_name', 'up', 'Responded'],
    ['28000', 'no pg_hba.conf entry for host "192.0.2.1"', 'up', 'AuthRequired'],
    ['28P01', 'password authentication failed for user "x"', 'up', 'AuthRequired'],
    ['3D000', 'database "x" does not exist', 'up', 'Responded'],
    ['XX000', 'something', 'up', 'Responded'],
  ])('%s %s: %s %s', (sqlstate, text, kind, reason) => {
    expect(verdictOf(error(sqlstate, text))).toEqual({ kind, reason, message: `${sqlstate} ${text}` });
  });

  it('is down where the handler says so of a full server', () => {
    const full = error('53300', 'sorry, too many clients already');
    expect(verdictOf(full, { saturatedIs: 'down' })).toMatchObject({ kind: 'down', reason: 'Saturated' });
  });

  it('is of the role, not of the server, in any language, by the function that raised it', () => {
    const answer = (routine: string) =>
      message('E', bytes(`SFATAL\0C53300\0Mzu viele Verbindungen\0R${routine}\0\0`));
    expect(verdictOf(answer('InitializeSessionUserId'))).toMatchObject({ kind: 'up' });
    expect(verdictOf(answer('InitProcess'))).toMatchObject({ kind: 'inconclusive', reason: 'Saturated' });
  });

  it('tells the detail of what is not now', () => {
    const answer = error(
      '57P03',
      'the database system is not accepting connections',
      'Hot standby mode is disabled.',
    );
    expect(verdictOf(answer)).toMatchObject({
      message: '57P03 the database system is not accepting connections: Hot standby mode is disabled.',
    });
  });

  it('without a length comes from a postmaster that cannot fork', () => {
    const answer = bytes('Ecould not fork new process for connection: Cannot allocate memory\n\0');
    for (const sslMode of ['disable', 'require'] as const)
      expect(verdictOf(answer, { sslMode })).toEqual({
        kind: 'inconclusive',
        reason: 'Saturated',
        message: 'could not fork new process for connection: Cannot allocate memory',
      });
  });

  it('in place of an answer about TLS makes nothing healthy where TLS is demanded', () => {
    const refusal = error('28000', 'no');
    expect(verdictOf(refusal, { sslMode: 'prefer' })).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
    expect(verdictOf(refusal, { sslMode: 'verify-full' })).toMatchObject({ reason: 'TlsFailed' });
    const starting = error('57P03', 'the database system is starting up');
    expect(verdictOf(starting, { sslMode: 'require' })).toMatchObject({ reason: 'StartingUp' });
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

describe('a postgres probe of a mean peer', () => {
  const listeners: Listener[] = [];
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
  });
  const start = async (options: ListenerOptions) => {
    const listener = await listen(options);
    listeners.push(listener);
    return listener;
  };
  const dribble = async (socket: Socket, all: Buffer) => {
    for (const byte of all) {
      socket.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it('that dribbles is up', async () => {
    const { port } = await start({ onConnection: (socket) => void dribble(socket, scram) });
    expect(await probe(check(port), forever)).toEqual({ kind: 'up', reason: 'Responded', message: '' });
  });

  it('that never answers is down with Timeout, and is left with a FIN', async () => {
    const listener = await start({});
    expect(await probe(check(listener.port, {}, 50), forever)).toMatchObject({
      kind: 'down',
      reason: 'Timeout',
    });
    await listener.closed(1);
    expect(listener.errors).toEqual([]);
  });

  it('that closes, resets, refuses or talks nonsense is down', async () => {
    const closing = await start({ onConnection: (socket) => socket.once('data', () => socket.end('R')) });
    expect(await probe(check(closing.port), forever)).toMatchObject({ reason: 'ClosedEarly' });
    const resetting = await start({
      onConnection: (socket) => socket.once('data', () => socket.resetAndDestroy()),
    });
    expect(await probe(check(resetting.port), forever)).toMatchObject({ reason: 'Reset' });
    expect(await probe(check(await refusingPort()), forever)).toMatchObject({ reason: 'Refused' });
    for (const banner of ['220 mail.example ESMTP\r\n', 'SSH-2.0-OpenSSH_9.2\r\n']) {
      const { port } = await start({ onConnection: (socket) => socket.write(banner) });
      for (const sslMode of ['disable', 'require'] as const)
        expect(await probe(check(port, { sslMode }), forever)).toMatchObject({ reason: 'WrongProtocol' });
    }
  });

  it('that lets us in and then sends 100 MB of it is WrongProtocol', async () => {
    const block = Buffer.concat(Array.from({ length: 10_000 }, () => parameter('name', 'value')));
    let sent = 0;
    const pour = (socket: Socket) => {
      while (sent < 100_000_000 && socket.writable) {
        sent += block.length;
        if (!socket.write(block)) break;
      }
    };
    const { port } = await start({
      onConnection: (socket) => {
        socket.on('drain', () => pour(socket));
        socket.write(isIn);
        pour(socket);
      },
    });
    expect(await probe(check(port), forever)).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
  });
});
