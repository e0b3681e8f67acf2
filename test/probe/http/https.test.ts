import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { Check } from '../../../src/core/probing/check.ts';
import { createHttpGet } from '../../../src/probe/http/http.ts';
import type { Certificate } from '../support/certificates.ts';
import { createAuthority } from '../support/certificates.ts';
import { forever, httpCheck } from '../support/checks.ts';
import { listen, portOf } from '../support/listener.ts';
import { sniff } from '../support/sniffer.ts';
import { useAuthority, useServers } from '../support/resources.ts';
import { responded } from '../../support/builders/verdicts.ts';

const authority = useAuthority();

const probe = createHttpGet({ ca: [authority.ca] });
const start = useServers();
const named = authority.issue('DNS:db.example,IP:127.0.0.1');

/** Also gives the server name that the last client asked for. */
async function serve(
  certificate: Certificate,
): Promise<{ port: number; serverName: () => string | false | null | undefined }> {
  let serverName: string | false | null | undefined;
  const server = createServer(certificate, (request, response) => {
    if (request.socket instanceof TLSSocket) serverName = request.socket.servername;
    response.end('fine');
  });
  return { port: await start(server), serverName: () => serverName };
}

const https = { scheme: 'HTTPS' } as const;
const byName = { host: 'db.example' };

describe('httpGet over TLS', () => {
  it('is up with a certificate for the target’s host name, which it asks for', async () => {
    const { port, serverName } = await serve(named);
    expect(await probe(httpCheck(port, https, byName), forever)).toEqual(responded);
    expect(serverName()).toBe('db.example');
  });

  it('is up with a certificate for the address, and asks for no name', async () => {
    const { port, serverName } = await serve(named);
    expect(await probe(httpCheck(port, https), forever)).toEqual(responded);
    expect(serverName()).toBe(false);
  });

  it('checks and asks for the host of the handler where there is one', async () => {
    const { port, serverName } = await serve(named);
    expect(
      await probe(httpCheck(port, { ...https, host: 'db.example' }, { host: 'else.example' }), forever),
    ).toEqual(responded);
    expect(serverName()).toBe('db.example');
  });

  it('is down with a certificate for another name', async () => {
    const { port } = await serve(named);
    const verdict = await probe(httpCheck(port, https, { host: 'other.example' }), forever);
    expect(verdict).toEqual({
      kind: 'down',
      reason: 'TlsFailed',
      message: 'the certificate is not valid for other.example',
    });
  });

  it('is down with an expired certificate, under a reason of its own', async () => {
    const { port } = await serve(authority.issue('DNS:db.example', '2021'));
    expect(await probe(httpCheck(port, https, byName), forever)).toEqual({
      kind: 'down',
      reason: 'CertificateExpired',
      message: '',
    });
  });

  it('is down with a certificate of an authority it does not know', async () => {
    const { port } = await serve(named);
    const verdict = await createHttpGet({})(httpCheck(port, https, byName), forever);
    expect(verdict).toMatchObject({
      reason: 'TlsFailed',
      message: 'the certificate is signed by an unknown authority',
    });
  });

  it.each([
    ['is up with the authority of the tls block', { ca: authority.ca }, byName, responded],
    [
      'checks and asks for the server name of the tls block',
      { ca: authority.ca, serverName: 'db.example' },
      { host: 'else.example' },
      responded,
    ],
    [
      'is down where the certificate is not valid for the server name of the tls block',
      { ca: authority.ca, serverName: 'other.example' },
      byName,
      { kind: 'down', reason: 'TlsFailed', message: 'the certificate is not valid for other.example' },
    ],
    [
      'takes any name of the authority where the tls block has verify ca',
      { ca: authority.ca, verify: 'ca' },
      { host: 'else.example' },
      responded,
    ],
    ['takes any certificate where the tls block says so', { insecureSkipVerify: true }, byName, responded],
  ])('%s', async (_, tls, rest, expected) => {
    const { port } = await serve(named);
    const check = httpCheck(port, https, rest);
    const asked = { ...check, handler: { ...check.handler, tls } as Check['handler'] };
    expect(await createHttpGet({})(asked, forever)).toEqual(expected);
  });

  it('is down with a self-signed certificate', async () => {
    const other = createAuthority();
    const { port } = await serve(other.issue('DNS:db.example'));
    expect(await probe(httpCheck(port, https, byName), forever)).toMatchObject({
      kind: 'down',
      reason: 'TlsFailed',
    });
    other.remove();
  });

  it('takes any certificate with insecureSkipVerify', async () => {
    const { port } = await serve(authority.issue('DNS:else.example', '2021'));
    expect(await probe(httpCheck(port, { ...https, insecureSkipVerify: true }, byName), forever)).toEqual(
      responded,
    );
  });

  it('is down where the server speaks no TLS', async () => {
    const plain = createPlainServer((_, response) => response.end()).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const verdict = await probe(httpCheck(portOf(plain), https), forever);
    plain.close();
    expect(verdict).toMatchObject({
      kind: 'down',
      reason: 'WrongProtocol',
      message: 'the server did not answer with TLS: does it use TLS on this port?',
    });
  });

  it('says so where a server that speaks TLS is asked without', async () => {
    const { port } = await serve(named);
    const verdict = await probe(httpCheck(port), forever);
    expect(verdict.kind).toBe('down');
    expect(['WrongProtocol', 'ClosedEarly']).toContain(verdict.reason);
  });

  it('is down at the timeout where the handshake hangs', async () => {
    const silent = await listen();
    const verdict = await probe(httpCheck(silent.port, https, { timeoutMs: 100 }), forever);
    await silent.stop();
    expect(verdict).toMatchObject({ kind: 'down', reason: 'Timeout' });
  });

  it('has closed early where the server ends in the handshake', async () => {
    const curt = await listen({ onConnection: (socket) => socket.end() });
    const verdict = await probe(httpCheck(curt.port, https), forever);
    await curt.stop();
    expect(verdict).toMatchObject({ kind: 'down', reason: 'ClosedEarly' });
  });

  it('never resets the server', async () => {
    const sniffer = sniff();
    const { port } = await serve(named);
    await Promise.all(Array.from({ length: 5 }, () => probe(httpCheck(port, https, byName), forever)));
    await sniffer?.drained(port);
    expect(sniffer?.resets(port) ?? 0).toBe(0);
    sniffer?.stop();
  });
});
