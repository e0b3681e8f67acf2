import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateFiles } from '../../src/serve/certificate-files.ts';
import { HttpServer } from '../../src/serve/http-server.ts';
import { until } from '../support/eventually.ts';
import { createAuthority } from '../probe/support/certificates.ts';
import type { Authority, Certificate } from '../probe/support/certificates.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';

let directory: string;
let authority: Authority;
let server: HttpServer;
let clock: ManualClock;
let port: number;
const logged: string[] = [];
const log = (message: string) => void logged.push(message);

const file = (name: string) => join(directory, name);
const store = ({ cert, key }: Certificate) => {
  writeFileSync(file('tls.crt'), cert);
  writeFileSync(file('tls.key'), key);
};

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'metrics-tls-'));
  authority = createAuthority();
  clock = new ManualClock();
  logged.length = 0;
  store(authority.issue('DNS:metrics.example', '2049', 'first'));
  const certificate = new CertificateFiles({
    ...{ certFile: file('tls.crt'), keyFile: file('tls.key'), clock },
    logger: { debug: log, info: log, warn: log, error: log },
  });
  server = new HttpServer(
    { '/x': () => ({ status: 200, body: 'ok\n' }) },
    { certificate, maxConnections: 4 },
  );
  port = await server.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  await server.close(0);
  authority.remove();
  rmSync(directory, { recursive: true });
});

/** The status of an answer, and the name in the certificate that the server showed. */
async function ask(): Promise<readonly [status: number | undefined, commonName: unknown]> {
  let commonName: unknown;
  const asked = request({
    ...{ host: '127.0.0.1', port, path: '/x', agent: false, ca: authority.ca },
    checkServerIdentity: (_, { subject }) => void (commonName = subject.CN),
  });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  return [response.statusCode, commonName];
}

describe('the metrics over https', () => {
  it('use the certificate of the files, and then the one that replaces it', async () => {
    expect(await ask()).toEqual([200, 'first']);
    store(authority.issue('DNS:metrics.example', '2049', 'second'));
    await clock.advance(30_000);
    await until('the new certificate is in use', () => logged.length > 0);
    expect(await ask()).toEqual([200, 'second']);
  });

  it('keep their certificate while the new one does not match its key, and then use it', async () => {
    const next = authority.issue('DNS:metrics.example', '2049', 'second');
    writeFileSync(file('tls.crt'), next.cert);
    await clock.advance(30_000);
    await until('the pair is refused', () => logged.length > 0);
    expect(await ask()).toEqual([200, 'first']);
    store(next);
    await until('the next reading is planned', () => clock.armed > 0);
    await clock.advance(30_000);
    await until('the new certificate is in use', () => logged.length > 1);
    expect(await ask()).toEqual([200, 'second']);
  });

  it('are answered while another client holds all connections without a handshake', async () => {
    const held = [1, 2, 3, 4, 5, 6].map(() =>
      connect({ port, host: '127.0.0.1', localAddress: '127.0.0.66' }),
    );
    for (const socket of held) socket.on('error', () => undefined);
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    expect((await ask())[0]).toBe(200);
    for (const socket of held) socket.destroy();
  });

  it('do not start without their files', async () => {
    const missing = new CertificateFiles({
      ...{ certFile: file('none'), keyFile: file('tls.key'), clock },
      logger: { debug: log, info: log, warn: log, error: log },
    });
    const other = new HttpServer({}, { certificate: missing });
    await expect(other.listen({ host: '127.0.0.1', port: 0 })).rejects.toThrow('ENOENT');
  });
});
