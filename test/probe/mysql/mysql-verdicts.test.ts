import { describe, expect, it } from '@jest/globals';
import { hear } from '../support/hear.ts';
import { denied, error, greeting, packet } from '../support/mysql-bytes.ts';
import { handshake } from '../support/mysql-conversation.ts';

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
