import { describe, expect, it } from '@jest/globals';
import { serverText } from '../../../src/dns/query/resolv-conf.ts';
import {
  ScriptedDns,
  a,
  answer,
  cname,
  formErr,
  inTurn,
  malformed,
  manyA,
  noData,
  notImp,
  nxDomain,
  rawReply,
  refused,
  servfail,
  silence,
  srv,
} from '../../support/fakes/scripted-dns.ts';
import { records, text } from '../support/client-answers.ts';
import { turnsUntil } from '../support/turns-until.ts';
import { question, useClients } from '../support/use-clients.ts';
import type { Question } from '../../../src/core/resolution/name-state.ts';
import type { Script } from '../../support/fakes/scripted-dns.ts';

const { aClient, aServer, ask } = useClients();

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
    expect(await aClient([server]).client.resolve(question)).toEqual({ kind: 'failed', message });
    expect(server.count()).toBe(9);
  });

  it('that is truncated is queried again over TCP: a thousand addresses', async () => {
    const server = await aServer(({ name }) => answer(...manyA(name, 1_000)));
    const got = await aClient([server]).client.resolve(question);
    expect(got).toMatchObject({ kind: 'records', ttlMs: 60_000, addresses: { length: 1_000 } });
    expect([server.count({ transport: 'udp' }), server.count({ transport: 'tcp' })]).toEqual([1, 1]);
  });

  it('with another id, or to another question, is ignored', async () => {
    const forged = a('db.test', '10.6.6.6');
    const script = inTurn(
      { answers: [forged], idOff: 1 },
      { answers: [forged], question: { type: 'A', name: 'dc.test' } },
      { answers: [forged], question: { type: 'AAAA', name: 'db.test' } },
      rawReply(Buffer.alloc(12, 0xff)),
      rawReply(Buffer.from('x')),
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
    ['REFUSED', refused],
    ['FORMERR', formErr],
    ['NOTIMP', notImp],
    ['referral', { lame: true }],
    ['malformed answer', malformed],
    ['no usable record in the answer', answer({ type: 'AAAA', name: 'db.test', data: '::ffff:10.0.0.1' })],
  ])('is %s, with the server that sent it, once', async (reason, behaviour) => {
    const server = await aServer(behaviour);
    const got = await aClient([server]).client.resolve({
      name: 'db.test',
      type: reason.startsWith('no') ? 'AAAA' : 'A',
    });
    expect(got).toEqual({ kind: 'failed', message: `${reason} from ${text(server)}` });
    expect(server.count({ edns: true })).toBe(1);
  });

  it('is a refused connection', async () => {
    const server = await ScriptedDns.start(() => silence);
    await server.close();
    const { address } = server;
    const { client } = aClient([], { servers: [address] });
    expect(await client.resolve(question)).toEqual({
      kind: 'failed',
      message: `connection refused by ${serverText(address)}`,
    });
  });

  it('is a missing answer over TCP after a truncated one', async () => {
    const server = await aServer((_question, transport) =>
      transport === 'udp' ? { truncated: true } : silence,
    );
    const { client, clock } = aClient([server]);
    const got = client.resolve(question);
    await turnsUntil(() => server.count({ transport: 'tcp' }) === 1);
    await clock.advance(2_000);
    await turnsUntil(() => server.count({ transport: 'tcp' }) === 2);
    await clock.advance(2_000);
    expect(await got).toEqual({ kind: 'failed', message: `no answer from ${text(server)} within 2 s` });
  });

  it('is no server in resolv.conf', async () => {
    const { client } = aClient([], { servers: undefined });
    expect(await client.resolve(question)).toEqual({
      kind: 'failed',
      message: 'no name server is configured',
    });
  });

  it.each(['a..b', 'x'.repeat(64), ''])('is a text that is not a name: %p', async (name) => {
    expect(await ask(silence, { name, type: 'A' })).toMatchObject({ kind: 'failed' });
  });
});
