import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import { createDnsClient } from '../../../src/dns/query/client.ts';
import type { DnsClient } from '../../../src/dns/query/client.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import {
  a,
  answer,
  nxDomain,
  ScriptedDns,
  servfail,
  silence,
  soa,
} from '../../support/fakes/scripted-dns.ts';
import type { ReplyBehaviour } from '../../support/fakes/scripted-dns.ts';
import { turnsUntil } from '../support/turns-until.ts';

const gone: Question = { name: 'gone.test', type: 'A' };

describe('a negative answer', () => {
  let clock = new ManualClock();
  let servers: readonly [ScriptedDns, ScriptedDns];
  let client: DnsClient;
  /** What is said of the zone itself. */
  let ofZone: ReplyBehaviour = silence;
  let zone: string | undefined;

  beforeEach(async () => {
    clock = new ManualClock();
    clock.jump(1_000);
    zone = 'test';
    ofZone = answer(soa('test'));
    const start = () =>
      ScriptedDns.start(({ name, type }) => {
        if (type === 'SOA') return ofZone;
        if (name === 'broken.test') return servfail;
        return name.startsWith('gone') ? nxDomain(zone) : answer(a(name, '10.0.0.1'));
      });
    servers = [await start(), await start()];
    client = createDnsClient({
      clock,
      resolvConfPath: '/dev/null',
      servers: servers.map(({ address }) => address),
    });
  });
  afterEach(async () => {
    client.close();
    for (const server of servers) await server.close();
  });

  const ask = (name: string, confirmSince?: number): Promise<Answer> =>
    client.resolve({ name, type: 'A' }, confirmSince === undefined ? {} : { confirmSince });
  const asked = (type: 'SOA' | 'A') => servers[0].count({ type });

  it('is not confirmed by a server that never answered another question', async () => {
    expect(await ask('gone.test')).not.toHaveProperty('serverAnsweredAt');
  });

  it('is confirmed by the last answer of the server to another question', async () => {
    await ask('db.test');
    clock.jump(500);
    expect(await ask('gone.test')).toMatchObject({ kind: 'none', serverAnsweredAt: 1_000 });
  });

  it('is not confirmed by an answer to the same question, but by an earlier one to another question', async () => {
    await ask('db.test');
    clock.jump(500);
    servers[0].script = ({ name }) => answer(a(name, '10.0.0.1'));
    await ask('gone.test');
    await ask('gone.test');
    servers[0].script = () => nxDomain('test');
    expect(await client.resolve(gone)).toMatchObject({ kind: 'none', serverAnsweredAt: 1_000 });
  });

  it('is not confirmed by answers of another server', async () => {
    servers[0].script = () => servfail;
    await ask('db.test');
    servers[0].script = () => nxDomain('test');
    expect(await ask('gone.test')).not.toHaveProperty('serverAnsweredAt');
  });

  it('is not confirmed by other negative answers and failures', async () => {
    await ask('gone-too.test');
    await ask('broken.test');
    expect(await ask('gone.test')).not.toHaveProperty('serverAnsweredAt');
  });

  it('is confirmed by the SOA of its zone if requested, once for all negative answers since', async () => {
    expect(await ask('gone.test', 1_000)).toMatchObject({ kind: 'none', serverAnsweredAt: 1_000 });
    expect(await ask('gone-too.test', 1_000)).toMatchObject({ serverAnsweredAt: 1_000 });
    expect([asked('SOA'), servers[1].count()]).toEqual([1, 0]);
    clock.jump(5_000);
    expect(await ask('gone.test', 3_000)).toMatchObject({ serverAnsweredAt: 6_000 });
    expect(asked('SOA')).toBe(2);
  });

  it('needs no SOA if the server has answered another question since', async () => {
    await ask('db.test');
    expect(await ask('gone.test', 1_000)).toMatchObject({ serverAnsweredAt: 1_000 });
    expect(asked('SOA')).toBe(0);
  });

  it.each(['.', undefined])('is not confirmed by the SOA of %s', async (without) => {
    zone = without;
    expect(await ask('gone.test', 1_000)).not.toHaveProperty('serverAnsweredAt');
    expect(asked('SOA')).toBe(0);
  });

  it('is not confirmed by a server that has no SOA of its own zone, or fails', async () => {
    for (const behaviour of [nxDomain('test'), servfail]) {
      ofZone = behaviour;
      expect(await ask('gone.test', 1_000)).not.toHaveProperty('serverAnsweredAt');
    }
  });

  it('is returned even if the server does not answer for its zone', async () => {
    ofZone = silence;
    const got = ask('gone.test', 1_000);
    await turnsUntil(() => asked('SOA') === 1);
    await clock.advance(2_000);
    expect(await got).toEqual({ kind: 'none', reason: 'NoSuchName', ttlMs: 30_000 });
  });
});
