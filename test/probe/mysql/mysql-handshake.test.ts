import { describe, expect, it } from '@jest/globals';
import { hear } from '../support/hear.ts';
import { capabilities, denied, greeting, ok, packet, switchTo } from '../support/mysql-bytes.ts';
import { handshake, packetsOf } from '../support/mysql-conversation.ts';

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
