import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import { createDnsClient } from '../../../src/dns/query/client.ts';
import type { DnsClient, DnsClientOptions } from '../../../src/dns/query/client.ts';
import { serverText } from '../../../src/dns/query/resolv-conf.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import * as scripted from '../../support/fakes/scripted-dns.ts';
import type { Behaviour, Script, ScriptedDns } from '../../support/fakes/scripted-dns.ts';
import { until } from '../support/until.ts';

const { a, answer, cname, inTurn, manyA, nxDomain, noData, servfail, silence, srv } = scripted;

const question: Question = { name: 'db.test', type: 'A' };
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function aServer(script: Script | Behaviour): Promise<ScriptedDns> {
  const server = await scripted.ScriptedDns.start(typeof script === 'function' ? script : () => script);
  ends.push(() => server.close());
  return server;
}

interface Setup extends Partial<DnsClientOptions> {
  readonly resolvConf?: string;
}

function aClient(servers: readonly ScriptedDns[], { resolvConf = '', ...more }: Setup = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'dns-client-'));
  const resolvConfPath = join(folder, 'resolv.conf');
  writeFileSync(resolvConfPath, resolvConf);
  const clock = new ManualClock();
  const client = createDnsClient({
    clock,
    resolvConfPath,
    servers: servers.map(({ address }) => address),
    ...more,
  });
  ends.push(
    () => client.close(),
    () => rmSync(folder, { recursive: true }),
  );
  return { client, clock, resolvConfPath };
}

/** Asks one server with this behaviour. */
async function ask(script: Script | Behaviour, asked = question, setup: Setup = {}): Promise<Answer> {
  const { client } = aClient([await aServer(script)], setup);
  return client.ask(asked);
}

const text = (server: ScriptedDns): string => serverText(server.address);
const records = (ttlMs: number, ...addresses: readonly string[]): Answer => ({
  kind: 'records',
  ttlMs,
  addresses,
  services: [],
});
const good =
  (address: string): Script =>
  ({ name, type }) =>
    type === 'A' ? answer(a(name, address, 30)) : noData();

describe('an answer', () => {
  it('has the addresses of a name', async () => {
    expect(await ask(answer(a('db.test', '10.0.0.1', 30)))).toEqual(records(30_000, '10.0.0.1'));
  });

  it('has the services of a name', async () => {
    const asked: Question = { name: '_pg._tcp.test', type: 'SRV' };
    expect(await ask(answer(srv(asked.name, '1 2 5432 a.test', 9)), asked)).toEqual({
      kind: 'records',
      ttlMs: 9_000,
      addresses: [],
      services: [{ host: 'a.test', port: 5432, priority: 1, weight: 2 }],
    });
  });

  it('follows a CNAME whose target the server did not include, with the smallest time to live', async () => {
    const script: Script = ({ name }) =>
      name === 'c.test'
        ? answer(a('c.test', '10.0.0.3', 40))
        : answer(cname(name, name === 'db.test' ? 'b.test' : 'c.test', 7));
    expect(await ask(script)).toEqual(records(7_000, '10.0.0.3'));
  });

  it('does not follow CNAMEs without end', async () => {
    const server = await aServer(({ name }) => answer(cname(name, `x${name}`)));
    const message = 'more than 8 CNAMEs in the chain of db.test';
    expect(await aClient([server]).client.ask(question)).toEqual({ kind: 'failed', message });
    expect(server.count()).toBe(9);
  });

  it('that is truncated is queried again over TCP: a thousand addresses', async () => {
    const server = await aServer(({ name }) => answer(...manyA(name, 1_000)));
    const got = await aClient([server]).client.ask(question);
    expect(got).toMatchObject({ kind: 'records', ttlMs: 60_000, addresses: { length: 1_000 } });
    expect([server.count({ transport: 'udp' }), server.count({ transport: 'tcp' })]).toEqual([1, 1]);
  });

  it('with another id, or to another question, is ignored', async () => {
    const forged = a('db.test', '10.6.6.6');
    const script = inTurn(
      { answers: [forged], idOff: 1 },
      { answers: [forged], question: { type: 'A', name: 'dc.test' } },
      { answers: [forged], question: { type: 'AAAA', name: 'db.test' } },
      scripted.rawReply(Buffer.alloc(12, 0xff)),
      scripted.rawReply(Buffer.from('x')),
      answer(a('db.test', '10.0.0.1')),
    );
    expect(await ask(() => script)).toEqual(records(60_000, '10.0.0.1'));
  });

  it('that is negative has the reason, and its time to live', async () => {
    expect(await ask(nxDomain('test'))).toEqual({ kind: 'none', reason: 'NoSuchName', ttlMs: 30_000 });
    expect(await ask(noData())).toEqual({ kind: 'none', reason: 'NoAddress', ttlMs: 0 });
  });
});

describe('a failure', () => {
  it.each([
    ['SERVFAIL', servfail],
    ['REFUSED', scripted.refused],
    ['FORMERR', scripted.formErr],
    ['NOTIMP', scripted.notImp],
    ['referral', { lame: true }],
    ['malformed answer', scripted.malformed],
    ['no usable record in the answer', answer({ type: 'AAAA', name: 'db.test', data: '::ffff:10.0.0.1' })],
  ])('is %s, with the server that sent it, once', async (reason, behaviour) => {
    const server = await aServer(behaviour);
    const got = await aClient([server]).client.ask({
      name: 'db.test',
      type: reason.startsWith('no') ? 'AAAA' : 'A',
    });
    expect(got).toEqual({ kind: 'failed', message: `${reason} from ${text(server)}` });
    expect(server.count({ edns: true })).toBe(1);
  });

  it('is a refused connection', async () => {
    const server = await aServer(silence);
    await server.close();
    ends.pop();
    const { address } = server;
    const { client } = aClient([], { servers: [address] });
    expect(await client.ask(question)).toEqual({
      kind: 'failed',
      message: `connection refused by ${serverText(address)}`,
    });
  });

  it('is a missing answer over TCP after a truncated one', async () => {
    const server = await aServer((_question, transport) =>
      transport === 'udp' ? { truncated: true } : silence,
    );
    const { client, clock } = aClient([server]);
    const got = client.ask(question);
    await until(() => server.count({ transport: 'tcp' }) === 1);
    await clock.advance(2_000);
    await until(() => server.count({ transport: 'tcp' }) === 2);
    await clock.advance(2_000);
    expect(await got).toEqual({ kind: 'failed', message: `no answer from ${text(server)} within 2 s` });
  });

  it('is no server in resolv.conf', async () => {
    const { client } = aClient([], { servers: undefined });
    expect(await client.ask(question)).toEqual({ kind: 'failed', message: 'no name server is configured' });
  });

  it.each(['a..b', 'x'.repeat(64), ''])('is a text that is not a name: %p', async (name) => {
    expect(await ask(silence, { name, type: 'A' })).toMatchObject({ kind: 'failed' });
  });
});

describe('several servers', () => {
  it.each([
    ['SERVFAIL', servfail],
    ['REFUSED', scripted.refused],
    ['a malformed answer', scripted.malformed],
    ['a referral', { lame: true }],
  ])('are queried in order, and the next one after %s', async (_what, behaviour) => {
    const [bad, fine] = [await aServer(behaviour), await aServer(good('10.0.0.1'))];
    expect(await aClient([bad, fine]).client.ask(question)).toMatchObject({ kind: 'records' });
    expect([bad.count({ edns: true }), fine.count()]).toEqual([1, 1]);
  });

  it.each([
    ['records', good('10.0.0.1')],
    ['no such name', () => nxDomain('test')],
    ['no such record', () => noData('test')],
  ])('are not queried further after %s', async (_what, script) => {
    const [first, second] = [await aServer(script), await aServer(good('10.0.0.2'))];
    expect((await aClient([first, second]).client.ask(question)).kind).not.toBe('failed');
    expect(second.count()).toBe(0);
  });

  it('that do not answer are queried twice, each for 2 s, and the message names them', async () => {
    const servers = [await aServer(silence), await aServer(silence)] as const;
    const { client, clock } = aClient(servers);
    const got = client.ask(question);
    for (const [first, second] of [
      [1, 0],
      [1, 1],
      [2, 1],
      [2, 2],
    ]) {
      await until(() => servers.map((each) => each.count({ edns: true })).join() === `${first},${second}`);
      await clock.advance(2_000);
    }
    const message = `no answer from ${text(servers[0])} and ${text(servers[1])} within 2 s`;
    expect(await got).toEqual({ kind: 'failed', message });
    expect(clock.now()).toBe(8_000);
  });

  it('appear in the message with their reasons, in the configured order', async () => {
    const [dead, bad] = [await aServer(silence), await aServer(servfail)];
    const { client, clock } = aClient([dead, bad]);
    const got = client.ask(question);
    await until(() => dead.count() === 1);
    await clock.advance(2_000);
    await until(() => dead.count() === 2);
    await clock.advance(2_000);
    const message = `no answer from ${text(dead)} within 2 s; SERVFAIL from ${text(bad)}`;
    expect(await got).toEqual({ kind: 'failed', message });
  });

  it('do not wait for a dead one: it is queried last for 30 s, and then by one question only', async () => {
    const [dead, fine] = [await aServer(silence), await aServer(good('10.0.0.1'))];
    const { client, clock } = aClient([dead, fine]);
    const slow = async (): Promise<void> => {
      const before = dead.count();
      const got = client.ask(question);
      await until(() => dead.count() === before + 1);
      await clock.advance(2_000);
      expect(await got).toMatchObject({ kind: 'records' });
    };
    await slow();
    await slow();
    clock.jump(29_000);
    expect(await client.ask(question)).toMatchObject({ kind: 'records' });
    expect(dead.count()).toBe(2);
    clock.jump(1_000);
    const trial = client.ask(question);
    await until(() => dead.count() === 3);
    expect(await client.ask(question)).toMatchObject({ kind: 'records' });
    expect(dead.count()).toBe(3);
    await clock.advance(2_000);
    expect(await trial).toMatchObject({ kind: 'records' });
    dead.script = good('10.0.0.2');
    clock.jump(30_000);
    expect(await client.ask(question)).toEqual(records(30_000, '10.0.0.2'));
  });

  it('are those of the present resolv.conf', async () => {
    const { client, clock, resolvConfPath } = aClient([], {
      servers: undefined,
      resolvConf: 'nameserver 127.0.0.1',
    });
    expect(await client.ask({ name: 'a..b', type: 'A' })).toMatchObject({ kind: 'failed' });
    writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\nnameserver 127.0.0.2\n');
    clock.jump(10_000);
    const got = await client.ask({ name: 'db.test', type: 'A' });
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
        Array.from({ length: 50 }, (_, j) => client.ask({ name: `n${i}-${j}.test`, type: 'A' })),
      );
    const ports = new Set(server.seen.map(({ fromPort }) => fromPort));
    expect(server.count()).toBe(2_000);
    expect(ports.size).toBeGreaterThanOrEqual(8);
    expect(ports.size).toBeLessThanOrEqual(12);
  });

  it('that lost an answer are not used again, because the path of their port may be broken', async () => {
    const server = await aServer(silence);
    const { client, clock } = aClient([server], { randomInt: counting() });
    const got = client.ask(question);
    await until(() => server.count() === 1);
    server.script = good('10.0.0.1');
    await clock.advance(2_000);
    expect(await got).toMatchObject({ kind: 'records' });
    expect(new Set(server.seen.map(({ fromPort }) => fromPort)).size).toBe(2);
  });

  it('may be of IPv6', async () => {
    const server = await scripted.ScriptedDns.start(good('10.0.0.1'), { host: '::1' });
    ends.push(() => server.close());
    expect(await aClient([server]).client.ask(question)).toMatchObject({ kind: 'records' });
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
    const got = client.ask(question);
    await until(() => server.count() === 1);
    client.close();
    expect(await got).toEqual({ kind: 'failed', message: 'closed' });
    expect(await client.ask(question)).toEqual({ kind: 'failed', message: 'closed' });
    expect(clock.armed).toBe(0);
  });

  it('comes within the time of a question, however many servers are silent', async () => {
    const servers = [await aServer(silence), await aServer(silence)] as const;
    const { client, clock } = aClient(servers, { askTimeoutMs: 3_000 });
    const got = client.ask(question);
    await until(() => servers[0].count() === 1);
    await clock.advance(2_000);
    await until(() => servers[1].count() === 1);
    await clock.advance(1_000);
    expect(await got).toMatchObject({ kind: 'failed' });
    expect(clock.now()).toBe(3_000);
  });
});

describe('a name without a dot', () => {
  const resolvConf = 'search shop.test test';

  it('reports each query beyond the first one: the next name, and TCP after a truncated answer', async () => {
    let repeats = 0;
    const onRepeat = () => void (repeats += 1);
    const truncated: Script = ({ name }, transport) =>
      name === 'db.test'
        ? scripted.truncatedThen(answer(a(name, '10.0.0.1', 30)), transport)
        : nxDomain('test');
    expect(await ask(truncated, { name: 'db', type: 'A' }, { resolvConf, onRepeat })).toEqual(
      records(30_000, '10.0.0.1'),
    );
    expect(repeats).toBe(2);
    await ask(good('10.0.0.1'), question, { onRepeat });
    expect(repeats).toBe(2);
  });
  const db: Question = { name: 'db', type: 'A' };
  const only =
    (exists: string, otherwise: Behaviour = nxDomain('test')): Script =>
    ({ name }) =>
      name === exists ? answer(a(name, '10.0.0.1')) : otherwise;

  it.each([
    ['db.shop.test', 1],
    ['db.test', 2],
    ['db', 3],
  ])('gets the suffixes in order, and none at the end: %s', async (exists, queries) => {
    const server = await aServer(only(exists));
    expect(await aClient([server], { resolvConf }).client.ask(db)).toMatchObject({ kind: 'records' });
    expect(server.count()).toBe(queries);
  });

  it('gets no suffix if it ends with a dot', async () => {
    const server = await aServer(nxDomain('test'));
    const { client } = aClient([server], { resolvConf });
    await client.ask({ name: 'db.', type: 'A' });
    await client.ask({ name: 'db.shop', type: 'A' });
    expect(server.seen.map(({ name }) => name)).toEqual(['db', 'db.shop']);
  });

  it('has the last negative answer if there is no other', async () => {
    const script: Script = ({ name }) => (name === 'db' ? noData('test') : nxDomain('test'));
    expect(await ask(script, db, { resolvConf })).toMatchObject({ kind: 'none', reason: 'NoAddress' });
  });

  it('fails if one suffix failed and none has records, and has an answer if another suffix has records', async () => {
    const failing =
      (exists: string): Script =>
      (asked) =>
        asked.name === 'db.shop.test' ? servfail : only(exists)(asked, 'udp');
    expect(await ask(failing('db.test'), db, { resolvConf })).toMatchObject({ kind: 'records' });
    expect(await ask(failing('none'), db, { resolvConf })).toMatchObject({ kind: 'failed' });
  });

  it('fails with the first suffix if no server answers at all', async () => {
    const server = await aServer(silence);
    const { client, clock } = aClient([server], { resolvConf });
    const got = client.ask(db);
    for (const count of [1, 2]) {
      await until(() => server.count() === count);
      await clock.advance(2_000);
    }
    expect(await got).toMatchObject({ kind: 'failed' });
    expect(server.count({ edns: true })).toBe(2);
  });
});
