import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { MemcachedHandler } from '../../../src/core/probing/check.ts';
import { createMemcached } from '../../../src/probe/memcached/memcached.ts';
import { eventually } from '../../support/eventually.ts';
import { startMemcached } from '../../support/servers/memcached.ts';
import type { Memcached, MemcachedOptions } from '../../support/servers/memcached.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { useAuthority } from '../support/resources.ts';

const probe = createMemcached();
const authority = useAuthority();
const servers: Memcached[] = [];
const clients: Socket[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await Promise.all(servers.splice(0).map((server) => server.remove()));
});

async function start(options: MemcachedOptions = {}): Promise<Memcached> {
  const server = await startMemcached(options);
  servers.push(server);
  return server;
}

function ask({ port }: Memcached, handler: Partial<MemcachedHandler> = {}, timeoutMs = 2_000) {
  return probe(tcpCheck(port, { handler: { kind: 'memcached', ...handler }, timeoutMs }), forever);
}

/** Opens connections until the server closes one at once. */
async function fill({ port }: Memcached): Promise<void> {
  for (let count = 0; count < 200; count += 1) {
    const client = connect(port, '127.0.0.1');
    client.on('error', () => undefined);
    clients.push(client);
    client.write('version\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    if (String(answer).startsWith('ERROR')) return;
  }
  throw new Error('the server has no limit');
}

const responded = { kind: 'up', reason: 'Responded', message: '' };

describe('memcached against a real server', () => {
  it('is up, down while the server is stopped, and up again', async () => {
    const server = await start();
    expect(await ask(server)).toEqual(responded);
    await server.kill();
    expect(await ask(server)).toMatchObject({ kind: 'down', reason: 'Refused' });
    await server.restart();
    expect(await ask(server)).toEqual(responded);
  });

  it('is down when the server hangs, and up when it goes on', async () => {
    const server = await start();
    server.signal('SIGSTOP');
    expect(await ask(server, {}, 300)).toMatchObject({ kind: 'down', reason: 'Timeout' });
    server.signal('SIGCONT');
    expect(await ask(server)).toEqual(responded);
  });

  it('is inconclusive on a server that is full, and up when a client leaves', async () => {
    const server = await start({ args: ['-c', '100'] });
    await fill(server);
    expect(await ask(server)).toMatchObject({ kind: 'inconclusive', reason: 'Saturated' });
    for (const client of clients.splice(0)) client.destroy();
    await eventually(
      () => ask(server),
      ({ kind }) => kind === 'up',
      { fact: 'it accepts the probe', deadlineMs: 10_000 },
    );
  });

  it('is up on a server that requires a login by a file of accounts', async () => {
    const server = await start({ args: ['-Y', 'DIR/accounts'], files: { accounts: 'app:secret\n' } });
    expect(await ask(server)).toEqual({ kind: 'up', reason: 'AuthRequired', message: '' });
  });

  it.each([
    ['only the binary protocol', { args: ['-B', 'binary'] }],
    [
      'SASL',
      {
        args: ['-S'],
        files: { 'memcached.conf': 'mech_list: plain\n' },
        environment: { SASL_CONF_PATH: 'DIR' },
      },
    ],
  ])('is down on a server with %s, which does not answer', async (_, options) => {
    expect(await ask(await start(options), {}, 300)).toMatchObject({ kind: 'down', reason: 'Timeout' });
  });

  it('uses TLS, and names the field if TLS is missing', async () => {
    const { cert, key } = authority.issue('IP:127.0.0.1');
    const files = { cert, key };
    const server = await start({ args: ['-Z', '-o', 'ssl_chain_cert=DIR/cert,ssl_key=DIR/key'], files });
    expect(await ask(server, { tls: { ca: authority.ca } })).toEqual(responded);
    expect(await ask(server, { tls: {} })).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
    const plain = await ask(server);
    expect(plain.kind).toBe('down');
    expect(plain.message).toContain('set spec.tls');
  });

  it('leaves no item, no counted command, no refused connection and nothing in the log', async () => {
    const server = await start();
    const [connections, before] = [await server.stat('total_connections'), server.log()];
    for (let runs = 0; runs < 10; runs += 1) expect(await ask(server)).toEqual(responded);
    // One more asks for the number. The threads of the server may count the one that waited for its start later than it.
    const opened = (await server.stat('total_connections')) - connections - 1;
    expect([10, 11]).toContain(opened);
    expect(server.log()).toBe(before);
    for (const name of ['cmd_get', 'cmd_set', 'cmd_touch', 'cmd_meta', 'curr_items', 'rejected_connections'])
      expect([name, await server.stat(name)]).toEqual([name, 0]);
  });
});
