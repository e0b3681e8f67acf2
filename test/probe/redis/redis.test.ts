import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createFallbacks } from '../../../src/probe/connection/fallbacks.ts';
import { createRedis, redisProtocol } from '../../../src/probe/redis/redis.ts';
import type { RedisProtocolOptions } from '../../../src/probe/redis/redis.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { cuts, hear } from '../support/hear.ts';
import { useListeners } from '../support/resources.ts';

const ping = '*1\r\n$4\r\nPING\r\n';
const info = '*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n';
const credentials = { username: '', password: 'opensesame' };

const bulk = (text: string) => `$${String(Buffer.byteLength(text))}\r\n${text}\r\n`;
const replication = (...fields: readonly string[]) =>
  bulk(['# Replication', ...fields, 'master_repl_offset:42', ''].join('\r\n'));

function said(text: string, options: RedisProtocolOptions = {}) {
  return hear(redisProtocol(options), [Buffer.from(text)]);
}

describe('redis asks', () => {
  it('PING, then INFO replication where it was answered', () => {
    expect(said('+PONG\r\n').sent.toString()).toBe(ping + info);
  });

  it('nothing more where PING was refused', () => {
    expect(said('-NOAUTH Authentication required.\r\n').sent.toString()).toBe(ping);
  });

  it('AUTH first with a password, in the form of old servers', () => {
    expect(said('+OK\r\n', { credentials }).sent.toString()).toBe(
      `*2\r\n$4\r\nAUTH\r\n$10\r\nopensesame\r\n${ping}`,
    );
  });

  it('AUTH with user and password, lengths in bytes', () => {
    const named = { username: 'ops', password: 'schlüssel' };
    expect(said('', { credentials: named }).sent.toString()).toBe(
      '*3\r\n$4\r\nAUTH\r\n$3\r\nops\r\n$10\r\nschlüssel\r\n',
    );
  });

  it('for TLS before the first byte', () => {
    const machine = redisProtocol({ secure: true });
    expect(machine.next(Buffer.alloc(0))).toEqual({ kind: 'secure', consumed: 0 });
    expect(machine.next(Buffer.alloc(0))).toMatchObject({ kind: 'send' });
  });
});

/** Texts of redis/src/server.c and networking.c. */
const errors: readonly (readonly [string, object])[] = [
  ['-NOAUTH Authentication required.', { kind: 'up', reason: 'AuthRequired' }],
  ["-NOPERM this user has no permissions to run the 'ping' command", { kind: 'up', reason: 'AuthRequired' }],
  ['-LOADING Redis is loading the dataset in memory', { kind: 'down', reason: 'Loading' }],
  ['-MASTERDOWN Link with MASTER is down', { kind: 'down', reason: 'ReplicationBroken' }],
  ['-MISCONF Redis is configured to save RDB snapshots', { kind: 'down', reason: 'ReadOnly' }],
  ['-BUSY Redis is busy running a script.', { kind: 'down', reason: 'NotServing' }],
  ['-DENIED Redis is running in protected mode', { kind: 'down', reason: 'Blocked' }],
  ['-ERR max number of clients reached', { kind: 'inconclusive', reason: 'Saturated' }],
  ['-ERR max number of clients + cluster connections reached', { kind: 'inconclusive', reason: 'Saturated' }],
  ["-ERR unknown command 'PING'", { kind: 'down', reason: 'NotServing' }],
  ['-constructor', { kind: 'down', reason: 'WrongProtocol' }],
  ['-', { kind: 'down', reason: 'WrongProtocol' }],
  ['+OK', { kind: 'down', reason: 'WrongProtocol' }],
  [':1', { kind: 'down', reason: 'WrongProtocol' }],
  ['$4\r\nPONG', { kind: 'down', reason: 'WrongProtocol' }],
  ['HTTP/1.1 400 Bad Request', { kind: 'down', reason: 'WrongProtocol' }],
];

describe('redis understands the answer to PING', () => {
  it.each(errors)('%s', (answer, verdict) => {
    expect(said(`${answer}\r\n`).verdict).toMatchObject(verdict);
  });

  it('a line without end is no answer of Redis', () => {
    expect(said(`+${'P'.repeat(5000)}`).verdict).toMatchObject({ reason: 'WrongProtocol' });
  });

  it('has no word for a peer that closes before its answer', () => {
    expect(said('+PON').verdict).toBeUndefined();
  });
});

describe('redis with credentials', () => {
  it.each([
    '-WRONGPASS invalid username-password pair or user is disabled.',
    '-ERR invalid password',
    '-ERR AUTH <password> called without any password configured for the default user.',
  ])('is alive where they are refused: %s', (answer) => {
    expect(said(`${answer}\r\n`, { credentials }).verdict).toMatchObject({
      kind: 'up',
      reason: 'AuthFailed',
    });
  });

  it('never repeats a password that the server quotes', () => {
    fc.assert(
      fc.property(fc.constantFrom('-', '+', '-ERR ', "-ERR unknown command 'AUTH', with args: "), (start) => {
        const answer = `${start}opensesame\r\n`;
        for (const before of ['', '+OK\r\n', '+OK\r\n+PONG\r\n'])
          expect(JSON.stringify(said(before + answer, { credentials }).verdict)).not.toContain('opensesame');
      }),
    );
  });

  it.each([
    ["-NOPERM User prober has no permissions to run the 'info' command", 'AuthFailed'],
    ['-NOAUTH Authentication required.', 'AuthFailed'],
    ["-ERR unknown command 'INFO'", 'Responded'],
    ['-LOADING Redis is loading the dataset in memory', 'Responded'],
  ])('is alive where INFO is answered by %s: %s', (answer, reason) => {
    const { verdict } = said(`+OK\r\n+PONG\r\n${answer}\r\n`, { credentials });
    expect(verdict).toMatchObject({ kind: 'up', reason });
    expect(verdict?.role).toBeUndefined();
  });

  it('still learns the state of the server once logged in', () => {
    expect(said('+OK\r\n-LOADING Redis is loading\r\n', { credentials }).verdict).toMatchObject({
      kind: 'down',
      reason: 'Loading',
    });
  });
});

describe('a redis probe with credentials that gets no role', () => {
  const listen = useListeners();

  /** A peer with an answer for each command, and the commands that it got. */
  async function peer(answers: Readonly<Record<string, string>>) {
    const commands: string[] = [];
    const listener = await listen({
      onConnection: (socket) =>
        socket.on('data', (bytes: Buffer) => {
          const [, , name = ''] = bytes.toString().split('\r\n');
          commands.push(name);
          socket.write(answers[name] ?? '+OK\r\n');
        }),
    });
    return { port: listener.port, commands };
  }

  const check = (port: number) =>
    tcpCheck(port, { handler: { kind: 'redis', credentials: { ...credentials, allowClearText: true } } });

  it.each([
    ['PING is not allowed', { PING: '-NOPERM no\r\n' }],
    ['PING asks for a login', { PING: '-NOAUTH no\r\n' }],
    ['the password is wrong', { AUTH: '-WRONGPASS no\r\n' }],
    ['INFO is not allowed', { PING: '+PONG\r\n', INFO: '-NOPERM no\r\n' }],
    ['INFO was renamed', { PING: '+PONG\r\n', INFO: "-ERR unknown command 'INFO'\r\n" }],
    ['the server loads at INFO', { PING: '+PONG\r\n', INFO: '-LOADING no\r\n' }],
  ])('is up and reported where %s', async (_, answers) => {
    const { port } = await peer(answers);
    const said = await createRedis()(check(port), forever);
    expect(said).toMatchObject({ kind: 'up', reason: 'AuthFailed' });
  });

  it('reports nothing where the server answers that it is neither primary nor replica', async () => {
    const { port } = await peer({ PING: '+PONG\r\n', INFO: replication('role:active-replica') });
    expect(await createRedis()(check(port), forever)).toMatchObject({ kind: 'up', reason: 'Responded' });
  });

  it('asks once in ten minutes for what is refused', async () => {
    let now = 0;
    const probe = createRedis(createFallbacks({ now: () => now }));
    const { port, commands } = await peer({ PING: '+PONG\r\n', INFO: '-NOPERM no\r\n' });
    const asked = () => commands.filter((name) => name === 'INFO').length;
    const verdicts = [];
    for (let run = 0; run < 5; run += 1) verdicts.push(await probe(check(port), forever));
    expect(new Set(verdicts.map((verdict) => JSON.stringify(verdict))).size).toBe(1);
    expect(asked()).toBe(1);
    now += 800_000;
    await probe(check(port), forever);
    expect(asked()).toBe(2);
  });
});

const link = (status: string, ...more: readonly string[]) => [
  'role:slave',
  'master_host:10.0.0.1',
  `master_link_status:${status}`,
  ...more,
];
const states: readonly (readonly [string, readonly string[], object])[] = [
  ['a primary', ['role:master', 'connected_slaves:1'], { kind: 'up', role: 'Primary' }],
  [
    'a primary with too few replicas to take writes',
    ['role:master', 'connected_slaves:0', 'min_slaves_good_slaves:0'],
    { kind: 'up', reason: 'ReadOnly', role: 'Primary' },
  ],
  [
    'a primary with enough replicas to take writes',
    ['role:master', 'connected_slaves:1', 'min_slaves_good_slaves:1'],
    { kind: 'up', reason: 'Responded', role: 'Primary' },
  ],
  [
    'a replica that hears its primary',
    link('up', 'master_last_io_seconds_ago:3', 'master_sync_in_progress:0'),
    { kind: 'up', role: 'Replica', lagSeconds: 0 },
  ],
  [
    'a replica whose primary has been silent for longer than its pings allow',
    link('up', 'master_last_io_seconds_ago:31', 'master_sync_in_progress:0'),
    { kind: 'up', role: 'Replica', lagSeconds: 31 },
  ],
  [
    'a replica that is being filled',
    link('down', 'master_last_io_seconds_ago:-1', 'master_sync_in_progress:1'),
    { kind: 'down', reason: 'Loading', role: 'Replica' },
  ],
  [
    'a replica that has lost its primary',
    link('down', 'master_sync_in_progress:0', 'master_link_down_since_seconds:77'),
    { kind: 'up', reason: 'Responded', role: 'Replica', lagSeconds: 77 },
  ],
  [
    'a replica that never had its primary',
    link('down', 'master_sync_in_progress:0', 'master_link_down_since_seconds:-1'),
    { kind: 'down', reason: 'ReplicationBroken', role: 'Replica' },
  ],
];

describe('redis reads from INFO replication', () => {
  it.each(states)('%s', (_, fields, verdict) => {
    expect(said(`+PONG\r\n${replication(...fields)}`).verdict).toMatchObject(verdict);
  });

  it.each([['role:active-replica'], ['rolex:master'], ['nothing']])('no role from %s', (field) => {
    const { verdict } = said(`+PONG\r\n${replication(field)}`);
    expect(verdict).toEqual({ kind: 'up', reason: 'Responded', message: '' });
  });

  it('nothing where it is refused: alive all the same', () => {
    expect(said("+PONG\r\n-NOPERM can't run this command\r\n").verdict).toMatchObject({
      kind: 'up',
      reason: 'Responded',
    });
  });

  it('nothing where the peer hangs up: alive all the same', () => {
    expect(said('+PONG\r\n$9').verdict).toMatchObject({ kind: 'up', reason: 'Responded' });
  });

  it.each(['$99999\r\n', '$-1\r\n', '$1e3\r\n', '$3\r\nabcde', '$5'.padEnd(5000, '0')])(
    'the wrong protocol in %j',
    (answer) => {
      expect(said(`+PONG\r\n${answer}`).verdict).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
    },
  );
});

const words = fc.constantFrom(
  ...['+PONG\r\n', '+OK\r\n', '-LOADING x\r\n', '-ERR \r\n', '$0\r\n\r\n', '\r\n', '+', '-', '$', 'é'],
  replication('role:master'),
  replication(...link('up', 'master_last_io_seconds_ago:5')),
);
const answers = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.array(words, { maxLength: 6 }).map((all) => Buffer.from(all.join(''))),
);
const options = fc.constantFrom<RedisProtocolOptions>({}, { credentials }, { secure: true, credentials });

describe('redis, whatever the peer says', () => {
  it('gives the same verdict however the bytes are cut, and never throws', () => {
    fc.assert(
      fc.property(cuts(answers), options, (pieces, option) => {
        const whole = hear(redisProtocol(option), [Buffer.concat(pieces)]);
        expect(hear(redisProtocol(option), pieces)).toEqual(whole);
      }),
      { numRuns: 1_000 },
    );
  });
});
