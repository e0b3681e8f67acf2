import { describe, expect, it } from '@jest/globals';
import { TLSSocket, createSecureContext } from 'node:tls';
import { runProtocol } from '../../../src/probe/connection/protocol-runner.ts';
import { createSecureContextCache, tlsPolicyOf } from '../../../src/probe/connection/tls.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { fine, greet, replying } from '../support/greeting-protocol.ts';
import { useAuthority, useListeners } from '../support/resources.ts';
import type { TlsOptions } from '../../../src/core/probing/check.ts';
import type { TlsPolicy } from '../../../src/probe/connection/tls.ts';
import type { Certificate } from '../support/certificates.ts';

const authority = useAuthority();
const named = authority.issue('DNS:db.example,IP:127.0.0.1');
const start = useListeners();

/** Answers a first line with `S`, goes on with TLS, and answers a second line too. */
function upgrading(certificate: Certificate, names: unknown[] = [], before = 'S\n') {
  return replying((socket) => {
    socket.removeAllListeners('data');
    socket.write(before);
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext(certificate),
      SNICallback: (name, done) => {
        names.push(name);
        done(null, undefined);
      },
    });
    secure.on('error', () => undefined);
    secure.on('data', () => secure.write('yes\n'));
    secure.on('end', () => secure.end());
  });
}

const contexts = createSecureContextCache();
const full = (more: TlsOptions = {}): TlsPolicy => tlsPolicyOf({ ca: authority.ca, ...more }, contexts);
const overTls = async (port: number, host: string, tls: TlsPolicy) =>
  runProtocol(tcpCheck(port, { host, timeoutMs: 5_000 }), forever, greet({ secure: true }), tls);

describe('a dialogue that becomes TLS', () => {
  it('goes on inside it and asks for the host’s name', async () => {
    const names: unknown[] = [];
    const listener = await start({ onConnection: upgrading(named, names) });
    expect(await overTls(listener.port, 'db.example', full())).toEqual(fine);
    expect(names).toEqual(['db.example']);
    await listener.closed(1);
    expect(listener.errors).toEqual([]);
  });

  it('asks for no name where the host is an address, and for `serverName` where there is one', async () => {
    const names: unknown[] = [];
    const { port } = await start({ onConnection: upgrading(named, names) });
    expect(await overTls(port, '127.0.0.1', full())).toEqual(fine);
    expect(names).toEqual([]);
    expect(await overTls(port, '127.0.0.1', full({ serverName: 'db.example' }))).toEqual(fine);
    expect(names).toEqual(['db.example']);
  });

  it.each([
    ['full', 'other.example', 'down', 'TlsFailed', 'the certificate is not valid for other.example'],
    ['ca', 'other.example', 'up', 'Responded', 'fine'],
    ['none', 'other.example', 'up', 'Responded', 'fine'],
  ] as const)(
    'verify %s, certificate for another name: %s %s',
    async (verify, host, kind, reason, message) => {
      const { port } = await start({ onConnection: upgrading(named) });
      expect(await overTls(port, host, { ...full(), verify })).toEqual({ kind, reason, message });
    },
  );

  it('is down where the certificate has expired, or nobody known signed it', async () => {
    const expired = await start({ onConnection: upgrading(authority.issue('DNS:db.example', '2021')) });
    expect(await overTls(expired.port, 'db.example', full())).toMatchObject({ reason: 'CertificateExpired' });
    const { port } = await start({ onConnection: upgrading(named) });
    expect(await overTls(port, 'db.example', { ...tlsPolicyOf({}, contexts), verify: 'ca' })).toMatchObject({
      kind: 'down',
      reason: 'TlsFailed',
      message: 'the certificate is signed by an unknown authority',
    });
    expect(await overTls(port, 'db.example', { ...tlsPolicyOf({}, contexts), verify: 'none' })).toEqual(fine);
  });

  it('is down where the peer does not speak TLS, or leaves in the middle', async () => {
    const garbage = await start({
      onConnection: (socket) => {
        socket.once('data', () => {
          socket.write('S\n');
          socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
        });
      },
    });
    expect(await overTls(garbage.port, 'db.example', full())).toMatchObject({ reason: 'WrongProtocol' });
    const leaving = await start({
      onConnection: (socket) => {
        socket.once('data', () => {
          socket.write('S\n');
          socket.once('data', () => socket.end());
        });
      },
    });
    expect(await overTls(leaving.port, 'db.example', full())).toMatchObject({ reason: 'ClosedEarly' });
    const resetting = await start({
      onConnection: (socket) => {
        socket.once('data', () => {
          socket.write('S\n');
          socket.once('data', () => socket.resetAndDestroy());
        });
      },
    });
    expect(await overTls(resetting.port, 'db.example', full())).toMatchObject({ reason: 'Reset' });
  });

  it('takes no byte for encrypted that came before TLS', async () => {
    const { port } = await start({ onConnection: upgrading(named, [], 'S\nyes\n') });
    expect(await overTls(port, 'db.example', full())).toMatchObject({
      kind: 'down',
      reason: 'WrongProtocol',
      message: 'the server sent unencrypted bytes before the TLS handshake',
    });
  });

  it('is our fault where the certificates of the tls block are none', async () => {
    const listener = await start();
    expect(await overTls(listener.port, 'db.example', full({ certificate: 'x', key: 'x' }))).toMatchObject({
      kind: 'inconclusive',
      reason: 'ProberFault',
    });
    expect(listener.accepted()).toBe(0);
  });
});
