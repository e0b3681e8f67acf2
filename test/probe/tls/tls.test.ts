import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:tls';
import type { TlsOptions as ServerOptions } from 'node:tls';
import type { TlsOptions } from '../../../src/core/probing/check.ts';
import { createTls } from '../../../src/probe/tls/tls.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { refusingPort } from '../support/listener.ts';
import type { ListenerOptions } from '../support/listener.ts';
import { sniff } from '../support/sniffer.ts';
import { useAuthority, useListeners, useServers } from '../support/resources.ts';

const probe = createTls();
const authority = useAuthority();
const stranger = useAuthority();
const listen = useServers();
const start = useListeners();

interface Served {
  readonly port: number;
  /** What clients said inside TLS. */
  readonly heard: () => string;
  /** The name that the first client asked for. In TLS 1.3 a probe may end before the server has seen the handshake end. */
  readonly serverName: Promise<string | false | null>;
  /** Handshakes that resumed a session: those show no certificate. */
  readonly resumed: () => number;
  readonly errors: readonly string[];
}

async function serve(options: ServerOptions): Promise<Served> {
  let heard = '';
  const serverName = Promise.withResolvers<string | false | null>();
  let resumed = 0;
  const errors: string[] = [];
  const server = createServer(options, (socket) => {
    serverName.resolve(socket.servername);
    if (socket.isSessionReused()) resumed += 1;
    socket.on('data', (data: Buffer) => (heard += data.toString()));
    socket.on('error', (error: Error) => errors.push(error.message));
    socket.on('end', () => socket.end());
  });
  return {
    port: await listen(server),
    heard: () => heard,
    serverName: serverName.promise,
    resumed: () => resumed,
    errors,
  };
}

function ask(port: number, tls: TlsOptions = {}, more: { host?: string; timeoutMs?: number } = {}) {
  const check = tcpCheck(port, { handler: { kind: 'tls', tls: { ca: authority.ca, ...tls } }, ...more });
  return probe(check, forever);
}

const named = authority.issue('DNS:db.example,IP:127.0.0.1');
const host = 'db.example';

describe('tls', () => {
  it('is up with a good certificate, says when it ends, and sends nothing inside', async () => {
    const server = await serve(authority.issue('DNS:db.example', '2031'));
    expect(await ask(server.port, {}, { host })).toEqual({
      kind: 'up',
      reason: 'Connected',
      message: '',
      certificateExpiresAt: Date.UTC(2031, 0, 1),
    });
    expect(server.heard()).toBe('');
    expect(await server.serverName).toBe(host);
    expect(server.errors).toEqual([]);
  });

  it('says when the chain ends, where an issuer ends before the certificate', async () => {
    // The test's authority is valid for ten years.
    const { cert, key } = authority.issue('DNS:db.example', '2049');
    const { port } = await serve({ cert: cert + authority.ca, key });
    const { certificateExpiresAt = Infinity } = await ask(port, {}, { host });
    expect(certificateExpiresAt).toBeLessThan(Date.UTC(2049, 0, 1));
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'sees the certificate in every probe of one check, %s',
    async (maxVersion) => {
      const served = await serve({ ...named, maxVersion });
      const check = tcpCheck(served.port, { handler: { kind: 'tls', tls: { ca: authority.ca } }, host });
      for (let n = 0; n < 3; n += 1)
        expect(await probe(check, forever)).toMatchObject({ certificateExpiresAt: expect.any(Number) });
      expect(served.resumed()).toBe(0);
    },
  );

  it('checks addresses as such, and asks for no name', async () => {
    const server = await serve(named);
    expect(await ask(server.port)).toMatchObject({ kind: 'up' });
    expect(await server.serverName).toBe(false);
  });

  it('checks and asks for the server name that is given', async () => {
    const server = await serve(named);
    expect(await ask(server.port, { serverName: host }, { host: 'else.example' })).toMatchObject({
      kind: 'up',
    });
    expect(await server.serverName).toBe(host);
  });

  it('with verify ca takes any name that the authority signed, and nothing else', async () => {
    const other = await serve(authority.issue('DNS:other.example'));
    expect(await ask(other.port, { verify: 'ca' }, { host })).toMatchObject({ kind: 'up' });
    const strange = await serve(stranger.issue('DNS:db.example'));
    expect(await ask(strange.port, { verify: 'ca' }, { host })).toMatchObject({ reason: 'TlsFailed' });
    const expired = await serve(authority.issue('DNS:db.example', '2021'));
    expect(await ask(expired.port, { verify: 'ca' }, { host })).toMatchObject({
      reason: 'CertificateExpired',
    });
  });

  it('checks a name that is none of DNS, and sends none', async () => {
    const server = await serve(authority.issue('', undefined, 'project:instance'));
    expect(await ask(server.port, { serverName: 'project:instance' }, { host })).toMatchObject({
      kind: 'up',
    });
    expect(await server.serverName).toBe(false);
    expect(await ask(server.port, { serverName: 'project:other' }, { host })).toMatchObject({
      reason: 'TlsFailed',
      message: 'the certificate is not valid for project:other',
    });
  });

  it.each([
    [
      'another name',
      () => authority.issue('DNS:other.example'),
      'TlsFailed',
      'the certificate is not valid for db.example',
    ],
    [
      'an unknown authority',
      () => stranger.issue('DNS:db.example'),
      'TlsFailed',
      'the certificate is signed by an unknown authority',
    ],
    ['an expired one', () => authority.issue('DNS:db.example', '2021'), 'CertificateExpired', ''],
  ])('is down with a certificate of %s', async (_, certificate, reason, message) => {
    const { port } = await serve(certificate());
    expect(await ask(port, {}, { host })).toMatchObject({
      kind: 'down',
      reason,
      message,
    });
  });

  it('takes any certificate where told to, and still says when it ends', async () => {
    const { port } = await serve(stranger.issue('DNS:other.example', '2021'));
    expect(await ask(port, { insecureSkipVerify: true })).toMatchObject({
      kind: 'up',
      certificateExpiresAt: Date.UTC(2021, 0, 1),
    });
  });

  it('shows its own certificate to a server that wants one', async () => {
    const { port } = await serve({
      ...named,
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
      // Only here the server says no before the client thinks it is done.
      maxVersion: 'TLSv1.2',
    });
    const own = authority.issue('DNS:prober');
    expect(await ask(port, { certificate: own.cert, key: own.key })).toMatchObject({ kind: 'up' });
    expect(await ask(port)).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
  });

  it('is the prober’s fault where the certificates given are none', async () => {
    const { port } = await serve(named);
    expect(await ask(port, { certificate: 'no', key: 'no' })).toMatchObject({
      kind: 'inconclusive',
      reason: 'ProberFault',
    });
  });
});

/** Peers that speak no TLS. */
const peers: readonly (readonly [string, ListenerOptions, string])[] = [
  ['greets in plain text', { onConnection: (socket) => socket.write('220 mail\r\n') }, 'WrongProtocol'],
  [
    'answers in plain text',
    { onConnection: (socket) => socket.on('data', () => socket.write('-ERR x\r\n')) },
    'WrongProtocol',
  ],
  [
    'says more than can be',
    { onConnection: (socket) => socket.write('x'.repeat(1_000_000)) },
    'WrongProtocol',
  ],
  ['never answers', {}, 'Timeout'],
  ['closes at once', { onConnection: (socket) => socket.end() }, 'ClosedEarly'],
  ['resets', { onConnection: (socket) => socket.on('data', () => socket.resetAndDestroy()) }, 'Reset'],
];

describe('tls is down where a peer', () => {
  it.each(peers)('%s', async (_, options, reason) => {
    const { port } = await start(options);
    expect(await ask(port, {}, { timeoutMs: 300 })).toMatchObject({ kind: 'down', reason });
  });

  it('refuses', async () => {
    expect(await ask(await refusingPort())).toMatchObject({ kind: 'down', reason: 'Refused' });
  });
});

describe('tls leaves politely', () => {
  it('never with a reset', async () => {
    const sniffer = sniff();
    const { port, errors } = await serve(named);
    const verdicts = await Promise.all(Array.from({ length: 5 }, () => ask(port)));
    await sniffer?.drained(port);
    expect(verdicts.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => 'up'));
    expect(errors).toEqual([]);
    expect(sniffer?.resets(port) ?? 0).toBe(0);
    sniffer?.stop();
  });
});
