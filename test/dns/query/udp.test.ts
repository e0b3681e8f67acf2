import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { encodeQuery } from '../../../src/dns/query/wire.ts';
import { sendTcp } from '../../../src/dns/query/tcp.ts';
import { UdpSockets } from '../../../src/dns/query/udp.ts';
import type { PendingQuery } from '../../../src/dns/query/udp.ts';
import { a, answer, ScriptedDns, silence } from '../../support/fakes/scripted-dns.ts';
import { turnsUntil } from '../support/turns-until.ts';

const query = encodeQuery('db.test', 'A') ?? Buffer.alloc(0);

/** What came of it, when it has come. */
function aWaiting(): { readonly waiting: PendingQuery; readonly outcome: Promise<string> } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const waiting = { query, answered: () => resolve('answered'), failed: resolve };
  return { waiting, outcome: promise };
}

describe('the sockets of a server', () => {
  let server: ScriptedDns;
  let sockets: UdpSockets;
  const send = (): Promise<string> => {
    const { waiting, outcome } = aWaiting();
    sockets.send(waiting);
    return outcome;
  };

  beforeEach(async () => {
    server = await ScriptedDns.start(({ name }) => answer(a(name, '10.0.0.1')));
    sockets = new UdpSockets(server.address, (below) => randomInt(below));
  });
  afterEach(async () => {
    sockets.close();
    await server.close();
  });

  it('that are retired deliver the answers of queries in flight, and take no further query', async () => {
    const gate = Promise.withResolvers<undefined>();
    server.script = ({ name }) => ({ ...answer(a(name, '10.0.0.1')), after: gate.promise });
    const first = send();
    await turnsUntil(() => server.count() === 1);
    sockets.retire();
    gate.resolve(undefined);
    expect(await first).toBe('answered');
    expect([await send(), await send()]).toEqual(['answered', 'answered']);
    expect(new Set(server.seen.map(({ fromPort }) => fromPort)).size).toBe(3);
  });

  it('that are closed fail the queries in flight', async () => {
    server.script = () => silence;
    const outcomes = [send(), send()];
    await turnsUntil(() => server.count() === 2);
    sockets.close();
    expect(await Promise.all(outcomes)).toEqual(['closed', 'closed']);
  });

  it('fail all queries in flight if no process listens, and are opened again', async () => {
    const { address } = server;
    await server.close();
    sockets = new UdpSockets(address, (below) => randomInt(below));
    expect(await send()).toBe('connection refused');
    server = await ScriptedDns.start(({ name }) => answer(a(name, '10.0.0.1')), {
      host: address.address,
      port: address.port,
    });
    expect(await send()).toBe('answered');
  });

  it('that cannot be opened fail each query', async () => {
    // The kernel refuses to connect to the broadcast address.
    sockets = new UdpSockets({ address: '255.255.255.255', port: 53 }, () => 0);
    expect([await send(), await send()]).toEqual(['EACCES', 'EACCES']);
  });
});

describe('a query over TCP', () => {
  it('fails if no process listens, and if the connection ends first', async () => {
    const server = await ScriptedDns.start(() => silence);
    const [cut, late] = [aWaiting(), aWaiting()];
    sendTcp(server.address, cut.waiting, 1);
    await turnsUntil(() => server.count({ transport: 'tcp' }) === 1);
    await server.close();
    expect(['connection closed', 'ECONNRESET']).toContain(await cut.outcome);
    sendTcp(server.address, late.waiting, 1);
    expect(await late.outcome).toBe('connection refused');
  });

  it('fails at an answer to another question or id', async () => {
    const server = await ScriptedDns.start(({ name }) => ({ ...answer(a(name, '10.0.0.1')), idOff: 1 }));
    const { waiting, outcome } = aWaiting();
    sendTcp(server.address, waiting, 1);
    expect(await outcome).toBe('malformed answer');
    await server.close();
  });
});
