import { afterEach, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import type { Check, Handler } from '../../../src/core/probing/check.ts';
import { createMysql, MysqlHandshake } from '../../../src/probe/mysql/mysql.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { cuts, hear } from '../support/hear.ts';
import { listen } from '../support/listener.ts';
import type { Listener } from '../support/listener.ts';
import { capabilities, denied, error, greeting, ok, packet, switchTo } from '../support/mysql-bytes.ts';

type Mysql = Extract<Handler, { kind: 'mysql' }>;

const handshake = (wantsTls = false, saturatedIs: Mysql['saturatedIs'] = 'inconclusive') =>
  new MysqlHandshake({ saturatedIs, wantsTls });

/** Sequence number and payload of each packet. */
function packetsOf(sent: Buffer): readonly (readonly [number, Buffer])[] {
  const found: (readonly [number, Buffer])[] = [];
  for (let at = 0; at < sent.length;) {
    const end = at + 4 + sent.readUIntLE(at, 3);
    found.push([sent[at + 3] ?? -1, sent.subarray(at + 4, end)]);
    at = end;
  }
  return found;
}

const answer = (length: number) => Buffer.alloc(length, 0x65);

describe('the handshake', () => {
  it('answers a greeting with a complete response of the length that it says, in the sequence', () => {
    const { sent } = hear(handshake(), [greeting()]);
    expect(sent.toString('hex')).toBe(
      [
        '62000001', // 98 bytes, the second packet
        '01a20800', // long password, protocol 4.1, transactions, secure connection, plugins
        'ffffff00', // packets of 16 MB at most
        '08', // latin1
        '00'.repeat(23),
        `${Buffer.from('external_backend_probe').toString('hex')}00`,
        '14', // 20 bytes
        answer(20).toString('hex'),
        `${Buffer.from('mysql_native_password').toString('hex')}00`,
      ].join(''),
    );
  });

  it('names no plugin to a server that knows of none', () => {
    const { sent } = hear(handshake(), [greeting({ flags: capabilities.plain & ~0x80000 })]);
    const [[, response] = [0, Buffer.alloc(0)]] = packetsOf(sent);
    expect(response.readUInt32LE(0)).toBe(0xa201);
    expect(response.subarray(-20)).toEqual(answer(20));
    expect(response).toHaveLength(32 + 23 + 1 + 20);
  });

  it.each(['caching_sha2_password', 'sha256_password'])('begins with no password for %s', (plugin) => {
    const { sent } = hear(handshake(), [greeting({ plugin })]);
    expect(sent.subarray(-plugin.length - 3).toString('latin1')).toBe(`\x01\0${plugin}\0`);
  });

  it('asks for TLS first where it is wanted, and numbers on behind it', () => {
    const { sent } = hear(handshake(true), [greeting({ flags: capabilities.tls }), denied(3)]);
    const packets = packetsOf(sent);
    expect(packets.map(([sequence, payload]) => [sequence, payload.length])).toEqual([
      [1, 32],
      [2, 98],
    ]);
    expect(packets.map(([, payload]) => payload.readUInt32LE(0))).toEqual([0x8aa01, 0x8aa01]);
  });

  it.each([
    ['mysql_native_password', answer(20)],
    ['mysql_old_password', Buffer.concat([answer(8), Buffer.of(0)])],
    ['caching_sha2_password', Buffer.of(0)],
    ['sha256_password', Buffer.of(0)],
    ['client_ed25519', answer(64)],
    ['parsec', Buffer.alloc(0)],
    ['dialog', Buffer.of(0)],
    ['mysql_clear_password', Buffer.of(0)],
  ] as const)('answers a switch to %s with what has its length', (plugin, expected) => {
    const { sent, verdict } = hear(handshake(), [greeting(), switchTo(2, plugin), denied(4)]);
    expect(packetsOf(sent)[1]).toEqual([3, expected]);
    expect(verdict).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
  });

  it('answers the short switch of MySQL 4.0', () => {
    const { sent } = hear(handshake(), [greeting(), packet(2, [0xfe])]);
    expect(packetsOf(sent)[1]).toEqual([3, Buffer.concat([answer(8), Buffer.of(0)])]);
  });

  const key = `-----BEGIN PUBLIC KEY-----\n${'M'.repeat(400)}\n-----END PUBLIC KEY-----\n`;
  it.each([
    [
      'plain',
      false,
      [greeting({ plugin: 'caching_sha2_password' }), packet(2, [1, 4]), packet(4, [1], key)],
      [1, 3, 5],
      [Buffer.of(2), answer(256)],
    ],
    [
      'with TLS',
      true,
      [greeting({ plugin: 'caching_sha2_password', flags: capabilities.tls }), packet(3, [1, 4])],
      [1, 2, 4],
      [Buffer.of(0)],
    ],
  ] as const)(
    'goes all the way of caching_sha2_password where it is asked to, %s',
    (_, tls, said, sequence, answers) => {
      const packets = packetsOf(hear(handshake(tls), said).sent);
      expect(packets.map(([number]) => number)).toEqual(sequence);
      expect(packets.slice(-answers.length).map(([, payload]) => payload)).toEqual(answers);
    },
  );

  it('waits for OK when the hash was right', () => {
    const said = [greeting({ plugin: 'caching_sha2_password' }), packet(2, [1, 3]), ok(3)];
    expect(hear(handshake(), said).verdict).toMatchObject({ kind: 'up', reason: 'Responded' });
  });

  it('answers each question of a plugin that puts several, and the salt of parsec', () => {
    const pam = [greeting(), switchTo(2, 'dialog', '\x04Password: '), packet(4, [0x05], 'Code: '), denied(6)];
    expect(packetsOf(hear(handshake(), pam).sent).slice(1)).toEqual([
      [3, Buffer.of(0)],
      [5, Buffer.of(0)],
    ]);
    const parsec = [greeting(), switchTo(2, 'parsec'), packet(4, 'P\0', Buffer.alloc(18)), denied(6)];
    expect(packetsOf(hear(handshake(), parsec).sent)[2]).toEqual([5, answer(96)]);
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'answers a plugin of the name %s, which every object has, like any other that is not known',
    (plugin) => {
      const said = [greeting(), switchTo(2, plugin), denied(4)];
      const { sent, verdict } = hear(handshake(), said);
      expect(packetsOf(sent)[1]).toEqual([3, Buffer.of(0)]);
      expect(verdict).toMatchObject({ kind: 'up' });
    },
  );

  it('quits a session that it was let into', () => {
    const { verdict, farewell } = hear(handshake(), [greeting(), ok(2)]);
    expect(verdict).toEqual({ kind: 'up', reason: 'Responded', message: '' });
    expect(farewell).toEqual(packet(0, [1]));
  });

  it('ends with a server that switches for ever', () => {
    const said = Array.from({ length: 50 }, (_, index) => switchTo(2 + 2 * index, 'dialog'));
    expect(hear(handshake(), [greeting(), ...said]).verdict).toMatchObject({ reason: 'WrongProtocol' });
  });

  it('leaves a complete response behind when it gives up before the greeting, and nothing later', () => {
    const early = handshake();
    hear(early, [greeting().subarray(0, 10)]);
    const left = early.onTimeout() ?? Buffer.alloc(0);
    expect(packetsOf(Buffer.from(left)).map(([sequence, { length }]) => [sequence, length])).toEqual([
      [1, 98],
      [3, 20],
    ]);
    const late = handshake();
    hear(late, [greeting()]);
    expect(late.onTimeout()).toBeUndefined();
  });
});

/** What a server says in place of the greeting, or at the end. */
const errors: readonly (readonly [string, Buffer, string, string])[] = [
  ['too many connections', error(0, 1040, 'Too many connections'), 'inconclusive', 'Saturated'],
  [
    'too many connections, with a state',
    error(0, 1040, 'Too many connections', '08004'),
    'inconclusive',
    'Saturated',
  ],
  ['no thread left', error(0, 1135, "Can't create a new thread", 'HY000'), 'inconclusive', 'Saturated'],
  ['a block', error(0, 1129, "Host '10.0.0.9' is blocked"), 'down', 'Blocked'],
  ['a host that may not log in', error(0, 1130, "Host '10.0.0.9' is not allowed"), 'up', 'AuthRequired'],
  [
    'an error with a number of its own',
    error(1, 1130, "Host '10.0.0.9' is not allowed"),
    'up',
    'AuthRequired',
  ],
  ['a shutdown', error(0, 1053, 'Server shutdown in progress', '08S01'), 'down', 'ShuttingDown'],
  ['a proxy without servers', error(0, 2003, "Can't connect to remote MySQL server"), 'down', 'NotServing'],
];

/** In place of the greeting or at the end of the handshake, with and without a state. */
const everywhere: readonly (readonly [number, string, string, string, string])[] = [
  [1226, '42000', "User 'x' has exceeded the 'max_user_connections' resource", 'up', 'AuthRequired'],
  [1203, '42000', "User x already has more than 'max_user_connections'", 'up', 'AuthRequired'],
  [1045, '28000', 'failed to create new session', 'down', 'NotServing'],
  [2003, 'HY000', "Can't connect to remote MySQL server for client", 'down', 'NotServing'],
  [9001, 'HY000', 'Max connect timeout reached while reaching hostgroup 0', 'down', 'NotServing'],
  [1105, 'HY000', 'unknown error of a proxy', 'down', 'NotServing'],
  [1927, '70100', 'Lost connection to backend server', 'down', 'NotServing'],
  [1047, '08S01', 'WSREP has not yet prepared node', 'down', 'NotServing'],
];

const refusals: readonly (readonly [string, Buffer, string, string])[] = [
  ['access denied', denied(2), 'up', 'AuthRequired'],
  ['access denied to who has no password', error(2, 1698, 'Access denied', '28000'), 'up', 'AuthRequired'],
  [
    'TLS required',
    error(2, 3159, 'Connections using insecure transport are prohibited', 'HY000'),
    'up',
    'AuthRequired',
  ],
  [
    'a locked account',
    error(2, 4151, 'Access denied, this account is locked', 'HY000'),
    'up',
    'AuthRequired',
  ],
  ['any invalid authorization', error(2, 9999, 'no', '28000'), 'up', 'AuthRequired'],
  [
    'an offline server',
    error(2, 3032, 'The server is currently in offline mode', 'HY000'),
    'down',
    'NotServing',
  ],
  ['bad handshake', error(2, 1043, 'Bad handshake', '08S01'), 'inconclusive', 'ProberFault'],
];

describe('the verdict', () => {
  it.each(errors)('of %s in place of the greeting', (_, said, kind, reason) => {
    expect(hear(handshake(), [said]).verdict).toMatchObject({ kind, reason });
  });

  it.each(refusals)('of %s', (_, said, kind, reason) => {
    expect(hear(handshake(), [greeting(), said]).verdict).toMatchObject({ kind, reason });
  });

  it.each(everywhere)('of %i %s %s: %s %s', (code, state, text, kind, reason) => {
    for (const each of [state, '']) {
      expect(hear(handshake(), [error(0, code, text, each)]).verdict).toMatchObject({ kind, reason });
      expect(hear(handshake(), [greeting(), error(2, code, text, each)]).verdict).toMatchObject({
        kind,
        reason,
      });
    }
  });

  it('is down for a server without a slot where the user says so', () => {
    const verdict = hear(handshake(false, 'down'), [error(0, 1040, 'Too many connections')]).verdict;
    expect(verdict).toEqual({ kind: 'down', reason: 'Saturated', message: '1040: Too many connections' });
  });

  it('is TlsFailed for a server without TLS where it is wanted; but its errors come first', () => {
    expect(hear(handshake(true), [greeting(), denied(2)]).verdict).toMatchObject({
      kind: 'down',
      reason: 'TlsFailed',
    });
    expect(hear(handshake(true), [error(0, 1040, 'x')]).verdict).toMatchObject({ reason: 'Saturated' });
  });

  it('never shows the version of the server', () => {
    const { verdict } = hear(handshake(), [greeting(), denied(2)]);
    expect(verdict?.message).toBe("1045: Access denied for user 'x'@'10.0.0.9' (using password: YES)");
  });

  it.each([
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['SSH', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
    ['mail', '220 mail.example ESMTP\r\n'],
    ['Redis', '-ERR unknown command\r\n'],
    ['MySQL’s X protocol', '\x05\0\0\0\x0b\x08\x05\x1a\0'],
    ['MySQL 3.23', packet(0, [9], '3.23.58\0', Buffer.alloc(13)).toString('latin1')],
    ['MySQL 4.0', greeting({ flags: 0x2c }).toString('latin1')],
    ['an empty packet', '\0\0\0\0'],
    ['a report of progress', packet(0, [0xff, 0xff, 0xff], 'half').toString('latin1')],
    ['a packet of 16 MB', '\xff\xff\xff\0\x0a8.0'],
    ['a greeting cut short', packet(0, [0x0a], '8.0\0', Buffer.alloc(20)).toString('latin1')],
    ['a second packet first', packet(7, greeting().subarray(4)).toString('latin1')],
  ])('of %s is WrongProtocol, and says nothing of its bytes', (_, said) => {
    const { verdict } = hear(handshake(), [Buffer.from(said, 'latin1')]);
    expect(verdict).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
    expect(verdict?.message).toMatch(
      /^the (answer is not of the MySQL protocol|server is older than MySQL 4.1)$/,
    );
  });
});

/** Conversations that begin well and end anyhow. */
const conversations = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(
      fc.constantFrom(
        greeting(),
        greeting({ plugin: 'caching_sha2_password' }),
        greeting({ flags: capabilities.tls }),
      ),
      fc.array(
        fc.oneof(
          fc.constantFrom(
            denied(2),
            ok(2),
            switchTo(2, 'dialog'),
            switchTo(2, 'parsec'),
            packet(2, [1, 4]),
            packet(4, [1, 3]),
          ),
          fc
            .tuple(fc.integer({ min: 0, max: 6 }), fc.uint8Array({ maxLength: 40 }))
            .map(([n, bytes]) => packet(n, bytes)),
          fc.uint8Array({ maxLength: 20 }),
        ),
        { maxLength: 6 },
      ),
    )
    .map(([first, more]) => Buffer.concat([first, ...more])),
);

describe('whatever a peer says', () => {
  it('the answer and the verdict are the same however the bytes are cut, and nothing is thrown', () => {
    const cut = conversations.chain((all) =>
      fc.tuple(fc.constant(all), cuts(fc.constant(all)), fc.boolean()),
    );
    fc.assert(
      fc.property(cut, ([all, pieces, tls]) => {
        expect(hear(handshake(tls), pieces)).toEqual(hear(handshake(tls), [all]));
      }),
      { numRuns: 2_000 },
    );
  });

  it('each packet of ours is whole and short, and answers one of the server’s', () => {
    fc.assert(
      fc.property(conversations, (all) => {
        const { sent } = hear(handshake(), [all]);
        for (const [sequence, payload] of packetsOf(sent)) {
          expect(sequence).toBeGreaterThan(0);
          expect(payload.length).toBeLessThan(300);
        }
      }),
    );
  });
});

const listeners: Listener[] = [];

async function probe(onConnection: (socket: Socket) => void, timeoutMs = 1_000) {
  const listener = await listen({ onConnection, allowHalfOpen: true });
  listeners.push(listener);
  const handler: Handler = { kind: 'mysql', saturatedIs: 'inconclusive' };
  const check: Check = tcpCheck(listener.port, { handler, timeoutMs });
  return { verdict: await createMysql()(check, forever), listener };
}

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
});

/** What they do, and what it is called. */
const meanPeers: readonly (readonly [string, (socket: Socket) => void, string])[] = [
  ['never says a word', () => undefined, 'Timeout'],
  ['says half a greeting', (socket: Socket) => void socket.write(greeting().subarray(0, 30)), 'Timeout'],
  ['closes at once', (socket: Socket) => void socket.end(), 'ClosedEarly'],
  [
    'closes after half a greeting',
    (socket: Socket) => void socket.end(greeting().subarray(0, 30)),
    'ClosedEarly',
  ],
  [
    'resets at the response',
    (socket: Socket) => {
      socket.write(greeting());
      socket.once('data', () => socket.resetAndDestroy());
    },
    'Reset',
  ],
  ['says 100 MB', (socket: Socket) => void socket.write(Buffer.alloc(100_000_000, 0x41)), 'WrongProtocol'],
];

describe('over a socket', () => {
  it('a server that speaks one byte at a time is up', async () => {
    const bytes = [...greeting()];
    const { verdict } = await probe((socket) => {
      const drip = () => {
        const next = bytes.shift();
        if (next === undefined) socket.once('data', () => socket.end(denied(2)));
        else socket.write(Buffer.of(next), () => setImmediate(drip));
      };
      socket.setNoDelay(true);
      drip();
    });
    expect(verdict).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
  });

  it.each(meanPeers)('a peer that %s', async (_, behave, reason) => {
    const { verdict } = await probe(behave, 300);
    expect(verdict).toMatchObject({ kind: 'down', reason });
  });

  it('gives a silent server what it needs to end the handshake later', async () => {
    const heard: Buffer[] = [];
    const { listener } = await probe(
      (socket) => socket.on('data', (bytes: Buffer) => heard.push(bytes)),
      100,
    );
    await listener.finished(1);
    expect(packetsOf(Buffer.concat(heard)).map(([sequence]) => sequence)).toEqual([1, 3]);
    expect(listener.errors).toEqual([]);
  });
});
