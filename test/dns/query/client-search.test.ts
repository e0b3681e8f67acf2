import { describe, expect, it } from '@jest/globals';
import {
  a,
  answer,
  noData,
  nxDomain,
  servfail,
  silence,
  truncatedThen,
} from '../../support/fakes/scripted-dns.ts';
import { good, records } from '../support/client-answers.ts';
import { turnsUntil } from '../support/turns-until.ts';
import { question, useClients } from '../support/use-clients.ts';
import type { Question } from '../../../src/core/resolution/name-state.ts';
import type { ReplyBehaviour, Script } from '../../support/fakes/scripted-dns.ts';

const { aClient, aServer, ask } = useClients();

describe('a name without a dot', () => {
  const resolvConf = 'search shop.test test';

  it('reports each query beyond the first one: the next name, and TCP after a truncated answer', async () => {
    let repeats = 0;
    const onRepeat = () => void (repeats += 1);
    const truncated: Script = ({ name }, transport) =>
      name === 'db.test' ? truncatedThen(answer(a(name, '10.0.0.1', 30)), transport) : nxDomain('test');
    expect(await ask(truncated, { name: 'db', type: 'A' }, { resolvConf, onRepeat })).toEqual(
      records(30_000, '10.0.0.1'),
    );
    expect(repeats).toBe(2);
    await ask(good('10.0.0.1'), question, { onRepeat });
    expect(repeats).toBe(2);
  });
  const db: Question = { name: 'db', type: 'A' };
  const only =
    (exists: string, otherwise: ReplyBehaviour = nxDomain('test')): Script =>
    ({ name }) =>
      name === exists ? answer(a(name, '10.0.0.1')) : otherwise;

  it.each([
    ['db.shop.test', 1],
    ['db.test', 2],
    ['db', 3],
  ])('gets the suffixes in order, and none at the end: %s', async (exists, queries) => {
    const server = await aServer(only(exists));
    expect(await aClient([server], { resolvConf }).client.resolve(db)).toMatchObject({ kind: 'records' });
    expect(server.count()).toBe(queries);
  });

  it('gets no suffix if it ends with a dot', async () => {
    const server = await aServer(nxDomain('test'));
    const { client } = aClient([server], { resolvConf });
    await client.resolve({ name: 'db.', type: 'A' });
    await client.resolve({ name: 'db.shop', type: 'A' });
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
    const got = client.resolve(db);
    for (const count of [1, 2]) {
      await turnsUntil(() => server.count() === count);
      await clock.advance(2_000);
    }
    expect(await got).toMatchObject({ kind: 'failed' });
    expect(server.count({ edns: true })).toBe(2);
  });
});
