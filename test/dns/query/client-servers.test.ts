import { describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import type { ManualClock } from '../../support/fakes/manual-clock.ts';
import {
  ScriptedDns,
  malformed,
  noData,
  nxDomain,
  refused,
  servfail,
  silence,
} from '../../support/fakes/scripted-dns.ts';
import { good, records, text } from '../support/client-answers.ts';
import { turnsUntil } from '../support/turns-until.ts';
import { question, useClients } from '../support/use-clients.ts';
import type { DnsClient } from '../../../src/dns/query/client.ts';

const { aClient, aServer, atEnd } = useClients();

describe('several servers', () => {
  it.each([
    ['SERVFAIL', servfail],
    ['REFUSED', refused],
    ['a malformed answer', malformed],
    ['a referral', { lame: true }],
  ])('are queried in order, and the next one after %s', async (_what, behaviour) => {
    const [bad, fine] = [await aServer(behaviour), await aServer(good('10.0.0.1'))];
    expect(await aClient([bad, fine]).client.resolve(question)).toMatchObject({ kind: 'records' });
    expect([bad.count({ edns: true }), fine.count()]).toEqual([1, 1]);
  });

  it.each([
    ['records', good('10.0.0.1')],
    ['no such name', () => nxDomain('test')],
    ['no such record', () => noData('test')],
  ])('are not queried further after %s', async (_what, script) => {
    const [first, second] = [await aServer(script), await aServer(good('10.0.0.2'))];
    expect((await aClient([first, second]).client.resolve(question)).kind).not.toBe('failed');
    expect(second.count()).toBe(0);
  });

  it('that do not answer are queried twice, each for 2 s, and the message names them', async () => {
    const servers = [await aServer(silence), await aServer(silence)] as const;
    const { client, clock } = aClient(servers);
    const got = client.resolve(question);
    for (const [first, second] of [
      [1, 0],
      [1, 1],
      [2, 1],
      [2, 2],
    ]) {
      await turnsUntil(
        () => servers.map((each) => each.count({ edns: true })).join() === `${first},${second}`,
      );
      await clock.advance(2_000);
    }
    const message = `no answer from ${text(servers[0])} and ${text(servers[1])} within 2 s`;
    expect(await got).toEqual({ kind: 'failed', message });
    expect(clock.now()).toBe(8_000);
  });

  it('appear in the message with their reasons, in the configured order', async () => {
    const [dead, bad] = [await aServer(silence), await aServer(servfail)];
    const { client, clock } = aClient([dead, bad]);
    const got = client.resolve(question);
    await turnsUntil(() => dead.count() === 1);
    await clock.advance(2_000);
    await turnsUntil(() => dead.count() === 2);
    await clock.advance(2_000);
    const message = `no answer from ${text(dead)} within 2 s; SERVFAIL from ${text(bad)}`;
    expect(await got).toEqual({ kind: 'failed', message });
  });

  it('do not wait for a dead one: it is queried last for 30 s, and then by one question only', async () => {
    const [dead, fine] = [await aServer(silence), await aServer(good('10.0.0.1'))];
    const { client, clock } = aClient([dead, fine]);
    const slow = async (): Promise<void> => {
      const before = dead.count();
      const got = client.resolve(question);
      await turnsUntil(() => dead.count() === before + 1);
      await clock.advance(2_000);
      expect(await got).toMatchObject({ kind: 'records' });
    };
    await slow();
    await slow();
    clock.jump(29_000);
    expect(await client.resolve(question)).toMatchObject({ kind: 'records' });
    expect(dead.count()).toBe(2);
    clock.jump(1_000);
    const trial = client.resolve(question);
    await turnsUntil(() => dead.count() === 3);
    expect(await client.resolve(question)).toMatchObject({ kind: 'records' });
    expect(dead.count()).toBe(3);
    await clock.advance(2_000);
    expect(await trial).toMatchObject({ kind: 'records' });
    dead.script = good('10.0.0.2');
    clock.jump(30_000);
    expect(await client.resolve(question)).toEqual(records(30_000, '10.0.0.2'));
  });

  it('are those of the present resolv.conf', async () => {
    const { client, clock, resolvConfPath } = aClient([], {
      servers: undefined,
      resolvConf: 'nameserver 127.0.0.1',
    });
    expect(await client.resolve({ name: 'a..b', type: 'A' })).toMatchObject({ kind: 'failed' });
    writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\nnameserver 127.0.0.2\n');
    clock.jump(10_000);
    const got = await client.resolve({ name: 'db.test', type: 'A' });
    if (got.kind !== 'failed') throw new Error('somebody serves port 53 of this machine');
    expect(got.message).toBe('connection refused by 127.0.0.1 and 127.0.0.2');
  });
});

describe('sockets', () => {
  it('are few, and have new ports after some hundreds of queries', async () => {
    const server = await aServer(good('10.0.0.1'));
    const { client } = aClient([server]);
    for (let i = 0; i < 40; i++)
      await Promise.all(
        Array.from({ length: 50 }, (_, j) => client.resolve({ name: `n${i}-${j}.test`, type: 'A' })),
      );
    const ports = new Set(server.seen.map(({ fromPort }) => fromPort));
    expect(server.count()).toBe(2_000);
    expect(ports.size).toBeGreaterThanOrEqual(8);
    expect(ports.size).toBeLessThanOrEqual(12);
  });

  it('that lost an answer are not used again, because the path of their port may be broken', async () => {
    const server = await aServer(silence);
    const { client, clock } = aClient([server], { randomInt: counting() });
    const got = client.resolve(question);
    await turnsUntil(() => server.count() === 1);
    server.script = good('10.0.0.1');
    await clock.advance(2_000);
    expect(await got).toMatchObject({ kind: 'records' });
    expect(new Set(server.seen.map(({ fromPort }) => fromPort)).size).toBe(2);
  });

  it('may be of IPv6', async () => {
    const server = await ScriptedDns.start(good('10.0.0.1'), { host: '::1' });
    atEnd(() => server.close());
    expect(await aClient([server]).client.resolve(question)).toMatchObject({ kind: 'records' });
  });
});

/** Always the first socket, and ids that are not equal. */
function counting(): (below: number) => number {
  let count = 0;
  return (below) => (below < 100 ? 0 : count++ % below);
}

describe('an end', () => {
  const waiting = async (): Promise<{ client: DnsClient; clock: ManualClock; server: ScriptedDns }> => {
    const server = await aServer(silence);
    return { ...aClient([server]), server };
  };

  it('comes at once when the client is closed, for later questions too', async () => {
    const { client, clock, server } = await waiting();
    const got = client.resolve(question);
    await turnsUntil(() => server.count() === 1);
    client.close();
    expect(await got).toEqual({ kind: 'failed', message: 'closed' });
    expect(await client.resolve(question)).toEqual({ kind: 'failed', message: 'closed' });
    expect(clock.armed).toBe(0);
  });

  it('comes within the time of a question, however many servers are silent', async () => {
    const servers = [await aServer(silence), await aServer(silence)] as const;
    const { client, clock } = aClient(servers, { questionTimeoutMs: 3_000 });
    const got = client.resolve(question);
    await turnsUntil(() => servers[0].count() === 1);
    await clock.advance(2_000);
    await turnsUntil(() => servers[1].count() === 1);
    await clock.advance(1_000);
    expect(await got).toMatchObject({ kind: 'failed' });
    expect(clock.now()).toBe(3_000);
  });
});
