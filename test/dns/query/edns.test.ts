import { afterEach, describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import { createDnsClient } from '../../../src/dns/query/client.ts';
import type { DnsClient } from '../../../src/dns/query/client.ts';
import { serverText } from '../../../src/dns/query/resolv-conf.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import {
  a,
  answer,
  formErr,
  manyA,
  notImp,
  nxDomain,
  rawReply,
  refused,
  ScriptedDns,
  servfail,
  silence,
  srv,
} from '../../support/fakes/scripted-dns.ts';
import type { ReplyBehaviour, Script } from '../../support/fakes/scripted-dns.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function asking(...scripts: readonly Script[]) {
  const servers = await Promise.all(scripts.map((script) => ScriptedDns.start(script)));
  const clock = new ManualClock();
  const client = createDnsClient({
    clock,
    resolvConfPath: '/dev/null',
    servers: servers.map(({ address }) => address),
  });
  ends.push(() => client.close(), ...servers.map((server) => () => server.close()));
  return { client, clock, servers, server: servers[0] as ScriptedDns };
}

const question: Question = { name: 'db.test', type: 'A' };
const quarterHourMs = 15 * 60_000;
const good = answer(a('db.test', '10.0.0.1', 30));
const records = { kind: 'records', addresses: ['10.0.0.1'] };

/** The answer, while the clock goes on in steps of half a second. */
async function patiently(asked: Promise<Answer>, clock: ManualClock): Promise<Answer> {
  const end = asked.then(
    () => true,
    () => true,
  );
  const isOver = (): Promise<boolean> => Promise.race([end, setImmediate(false)]);
  for (let turn = 0; !(await isOver()); turn++) if (turn % 20 === 19) await clock.advance(500);
  return asked;
}

const ask = (client: DnsClient): Promise<Answer> => client.resolve(question);
const noOpt = (behaviour: ReplyBehaviour): ReplyBehaviour => ({ ...behaviour, opt: 'none' });
const badVers: ReplyBehaviour = { opt: { extendedRcode: 1 } };
/** The query itself as the response, OPT and all, with this code. */
const echoing = (rcode: number): ReplyBehaviour =>
  rawReply((query) => {
    const bytes = Buffer.from(query);
    bytes.writeUInt16BE(0x8180 | rcode, 2);
    return bytes;
  });
/** A server that writes its record behind the whole query. */
const appending: ReplyBehaviour = rawReply((query) => {
  const record = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 0, 0, 1]);
  const bytes = Buffer.concat([query, record]);
  bytes.writeUInt16BE(0x8180, 2);
  bytes.writeUInt16BE(1, 6);
  return bytes;
});

describe('A query', () => {
  it('carries an OPT record, so that a server gives more than fits into 512 bytes at once', async () => {
    const { client, server } = await asking(() => answer(...manyA('db.test', 40)));
    expect(await ask(client)).toMatchObject({ kind: 'records', addresses: { length: 40 } });
    expect([server.count({ edns: true }), server.count({ transport: 'tcp' })]).toEqual([1, 0]);
  });

  it('goes over TCP where the answer does not fit into 1232 bytes', async () => {
    const { client, server } = await asking(() => answer(...manyA('db.test', 100)));
    expect(await ask(client)).toMatchObject({ kind: 'records', addresses: { length: 100 } });
    expect([server.count({ transport: 'udp' }), server.count({ transport: 'tcp' })]).toEqual([1, 1]);
  });

  it.each(['A', 'SRV'] as const)(
    'gets all six %s records of a server that gives three at random to clients without EDNS',
    async (type) => {
      const all = Array.from({ length: 6 }, (_, i) =>
        type === 'A' ? a('db.test', `10.0.0.${i}`) : srv('db.test', `0 0 5432 n${i}.test`),
      );
      let turn = 0;
      const { client } = await asking(({ edns }) => {
        turn += 1;
        return answer(
          ...(edns ? all : [0, 1, 2].map((i) => all[(turn * 2 + i) % 6] ?? all[0])).flatMap(
            (each) => each ?? [],
          ),
        );
      });
      for (let i = 0; i < 5; i++) {
        const got = await client.resolve({ name: 'db.test', type });
        expect(got).toMatchObject({ [type === 'A' ? 'addresses' : 'services']: { length: 6 } });
      }
    },
  );
});

describe('A server that does not support EDNS', () => {
  it.each<[string, ReplyBehaviour]>([
    ['FORMERR', noOpt(formErr)],
    ['NOTIMP', noOpt(notImp)],
    ['SERVFAIL', noOpt(servfail)],
    ['REFUSED', noOpt(refused)],
    ['BADVERS', badVers],
    ['FORMERR behind the whole query', echoing(1)],
    ['NOTIMP behind the whole query', echoing(4)],
    ['its record behind the whole query', appending],
  ])('and answers %s is queried without it at once, and later without a trial', async (_what, refusal) => {
    const { client, clock, server } = await asking(({ edns }) => (edns ? refusal : good));
    for (let i = 0; i < 5; i++) expect(await ask(client)).toMatchObject(records);
    expect([server.count({ edns: true }), server.count({ edns: false })]).toEqual([2, 5]);
    clock.jump(quarterHourMs);
    for (let i = 0; i < 3; i++) expect(await ask(client)).toMatchObject(records);
    expect([server.count({ edns: true }), server.count({ edns: false })]).toEqual([3, 8]);
  });

  it('and answers without an OPT record is understood', async () => {
    const { client, server } = await asking(() => noOpt(good));
    expect(await ask(client)).toMatchObject(records);
    expect(server.count()).toBe(1);
  });

  it('and does not answer is queried without it during the second try, and later without a trial', async () => {
    const { client, clock, server } = await asking(({ edns }) => (edns ? silence : good));
    for (const ms of [3_000, 6_000, 6_000, 6_000]) {
      expect(await patiently(ask(client), clock)).toMatchObject(records);
      expect(clock.now()).toBe(ms);
    }
    const before = server.count({ edns: true });
    clock.jump(quarterHourMs);
    expect(await patiently(ask(client), clock)).toMatchObject(records);
    expect(server.count({ edns: true })).toBeGreaterThan(before);
  });

  it('is not assumed after one lost answer: the next question has OPT again', async () => {
    let lost = 2;
    const { client, clock, server } = await asking(({ edns }) => (edns && lost-- > 0 ? silence : good));
    await patiently(ask(client), clock);
    await ask(client);
    await ask(client);
    expect(server.count({ edns: false })).toBe(1);
  });

  it('is not assumed after many questions at the same time', async () => {
    let isDown = true;
    const { client, clock, server } = await asking(({ edns }) => (edns && isDown ? silence : good));
    const all = Array.from({ length: 20 }, (_, i) => client.resolve({ name: `n${i}.test`, type: 'A' }));
    await patiently(
      Promise.all(all).then(([first]) => first as Answer),
      clock,
    );
    isDown = false;
    const before = server.count({ edns: true });
    await ask(client);
    expect(server.count({ edns: true })).toBe(before + 1);
  });

  it('is detected behind a resolver that supports EDNS, for each of its names', async () => {
    const script: Script = ({ name, edns }) =>
      name !== 'db.test' ? answer(a(name, '10.0.0.2')) : edns ? noOpt(formErr) : good;
    const { client, server } = await asking(script);
    for (let i = 0; i < 4; i++) {
      expect(await ask(client)).toMatchObject(records);
      expect(await client.resolve({ name: 'other.test', type: 'A' })).toMatchObject({ kind: 'records' });
    }
    expect(server.count({ name: 'other.test', edns: false })).toBe(0);
  });

  it('gets OPT again after it answers with OPT', async () => {
    let isOld = true;
    const { client, clock, server } = await asking(({ edns }) => (edns && isOld ? noOpt(formErr) : good));
    for (let i = 0; i < 3; i++) await ask(client);
    isOld = false;
    clock.jump(quarterHourMs);
    const before = server.count({ edns: false });
    for (let i = 0; i < 3; i++) await ask(client);
    expect(server.count({ edns: false })).toBe(before);
  });
});

describe('A failure', () => {
  it('of a server that is dead takes four seconds, as without EDNS', async () => {
    const { client, clock, server } = await asking(() => silence);
    expect(await patiently(ask(client), clock)).toEqual({
      kind: 'failed',
      message: `no answer from ${serverText(server.address)} within 2 s`,
    });
    expect(clock.now()).toBe(4_000);
  });

  it('that has an OPT record is not queried again without OPT', async () => {
    const { client, server } = await asking(() => servfail);
    expect(await ask(client)).toMatchObject({ kind: 'failed' });
    expect(server.count()).toBe(1);
  });

  it('is reported with the text of an extended error', async () => {
    const data = Buffer.from('\0\x06signature expired\nfor db.test');
    const { client, server } = await asking(() => ({ rcode: 2, opt: { options: [{ code: 15, data }] } }));
    expect(await ask(client)).toEqual({
      kind: 'failed',
      message: `SERVFAIL (DNSSEC Bogus: signature expired for db.test) from ${serverText(server.address)}`,
    });
  });

  it('is reported with the number of an extended error that has no name yet', async () => {
    const data = Buffer.from([1, 0]);
    const { client } = await asking(() => ({ rcode: 5, opt: { options: [{ code: 15, data }] } }));
    expect(await ask(client)).toMatchObject({
      message: expect.stringContaining('REFUSED (extended error 256)'),
    });
  });

  it.each([
    ['options that we know nothing of', { options: [{ code: 10, data: Buffer.from('cookie') }] }],
    ['an option that is cut', { options: [{ code: 15, data: Buffer.from([0]) }] }],
  ])('is not caused by %s', async (_what, opt) => {
    const { client } = await asking(() => ({ ...good, opt }));
    expect(await ask(client)).toMatchObject(records);
  });

  it('of the name is detected without OPT too', async () => {
    const { client, server } = await asking(() => noOpt(nxDomain('test')));
    expect(await ask(client)).toMatchObject({ kind: 'none', reason: 'NoSuchName' });
    expect(server.count({ name: 'db.test', type: 'A' })).toBe(1);
  });
});

it('One of two servers that drop queries with OPT is detected, and then answers at once', async () => {
  const script: Script = ({ edns }) => (edns ? silence : good);
  const { client, clock } = await asking(script, script);
  for (let i = 0; i < 2; i++) await patiently(ask(client), clock);
  const before = clock.now();
  expect(await patiently(ask(client), clock)).toMatchObject(records);
  expect(clock.now()).toBe(before);
});
