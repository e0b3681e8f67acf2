import { describe, expect, it } from '@jest/globals';
import { AUTHORITATIVE_ANSWER, decode, encode } from 'dns-packet';
import type { Packet } from 'dns-packet';
import { Lookup } from '../../../src/dns/query/lookup.ts';
import type { LookupResult } from '../../../src/dns/query/lookup.ts';
import { NameServer } from '../../../src/dns/query/name-server.ts';
import type { QueryResult } from '../../../src/dns/query/name-server.ts';
import { a, cname, soa } from '../../support/fakes/scripted-dns.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';

/** Nothing is sent: what these say is in the script. */
const servers = ['10.0.0.1', '10.0.0.2'].map(
  (address) =>
    new NameServer(
      { address, port: 53 },
      { clock: new ManualClock(), randomInt: () => 0, tryTimeoutMs: 2_000 },
    ),
);

type Said = Packet | 'late' | 'refused';
const servfail: Packet = { flags: AUTHORITATIVE_ANSWER | 2 };
const denial: Packet = { flags: AUTHORITATIVE_ANSWER | 3, authorities: [soa('test')] };
const address = (name: string): Packet => ({ answers: [a(name, '10.1.0.1', 30)] });

function tried(said: Said, name: string): QueryResult {
  if (said === 'late') return { kind: 'silent', reason: 'no answer from', late: true };
  if (said === 'refused') return { kind: 'silent', reason: 'connection refused by', late: false };
  const questions = [{ type: 'A' as const, name }];
  return {
    kind: 'response',
    edns: false,
    response: encode({ type: 'response', flags: AUTHORITATIVE_ANSWER, questions, ...said }),
  };
}

/** Which names were asked of which servers, and what was found. What is not in the script is silent in time. */
function run(name: string, script: Readonly<Record<string, Said>>, search: readonly string[] = []) {
  const inquiry = new Lookup({ name, type: 'A' }, { search, servers: () => servers, tryTimeoutMs: 2_000 });
  const asked: string[] = [];
  let next = inquiry.start();
  while (next.kind === 'query') {
    const [question] = decode(next.query).questions ?? [];
    const step = `${question?.name} of ${next.server.text}`;
    const again = asked.includes(step) ? ' again' : '';
    asked.push(`${step}${again}`);
    next = inquiry.onResponse(
      tried(script[`${step}${again}`] ?? script[step] ?? 'refused', question?.name ?? ''),
    );
  }
  return { asked, found: summary(next) };
}

const summary = (found: LookupResult): string =>
  found.kind === 'records'
    ? `${found.addresses.join(' ')} for ${found.ttlMs} ms`
    : found.kind === 'none'
      ? `${found.reason} says ${found.server.text}`
      : found.message;

interface Row {
  readonly when: string;
  readonly name?: string;
  readonly search?: readonly string[];
  readonly script: Readonly<Record<string, Said>>;
  readonly asked: readonly string[];
  readonly found: string;
}

const rows: readonly Row[] = [
  {
    when: 'the first server has records: nobody else is asked',
    script: { 'db.test of 10.0.0.1': address('db.test') },
    asked: ['db.test of 10.0.0.1'],
    found: '10.1.0.1 for 30000 ms',
  },
  {
    when: 'the first server has nothing useful to say: the second is asked',
    script: { 'db.test of 10.0.0.1': servfail, 'db.test of 10.0.0.2': address('db.test') },
    asked: ['db.test of 10.0.0.1', 'db.test of 10.0.0.2'],
    found: '10.1.0.1 for 30000 ms',
  },
  {
    when: 'a server was late: it is asked once more after all others, and those that answered are not',
    script: { 'db.test of 10.0.0.1': 'late', 'db.test of 10.0.0.2': servfail },
    asked: ['db.test of 10.0.0.1', 'db.test of 10.0.0.2', 'db.test of 10.0.0.1 again'],
    found: 'no answer from 10.0.0.1 within 2 s; SERVFAIL from 10.0.0.2',
  },
  {
    when: 'a server that was late answers the second time',
    script: {
      'db.test of 10.0.0.1': 'late',
      'db.test of 10.0.0.2': 'late',
      'db.test of 10.0.0.2 again': address('db.test'),
    },
    asked: [
      'db.test of 10.0.0.1',
      'db.test of 10.0.0.2',
      'db.test of 10.0.0.1 again',
      'db.test of 10.0.0.2 again',
    ],
    found: '10.1.0.1 for 30000 ms',
  },
  {
    when: 'the server did not go on behind an alias: its target is asked for, and the least time to live counts',
    script: {
      'db.test of 10.0.0.1': { answers: [cname('db.test', 'x.test', 4)] },
      'x.test of 10.0.0.1': address('x.test'),
    },
    asked: ['db.test of 10.0.0.1', 'x.test of 10.0.0.1'],
    found: '10.1.0.1 for 4000 ms',
  },
  {
    when: 'there is nothing: no other server is asked',
    script: { 'db.test of 10.0.0.1': denial },
    asked: ['db.test of 10.0.0.1'],
    found: 'NoSuchName says 10.0.0.1',
  },
  {
    when: 'the first suffix denies the name: the next has it',
    name: 'db',
    search: ['one.test', 'two.test'],
    script: { 'db.one.test of 10.0.0.1': denial, 'db.two.test of 10.0.0.1': address('db.two.test') },
    asked: ['db.one.test of 10.0.0.1', 'db.two.test of 10.0.0.1'],
    found: '10.1.0.1 for 30000 ms',
  },
  {
    when: 'a suffix fails and the others deny: the failure is told, for the name may be there',
    name: 'db',
    search: ['one.test'],
    script: {
      'db.one.test of 10.0.0.1': servfail,
      'db.one.test of 10.0.0.2': servfail,
      'db of 10.0.0.1': denial,
    },
    asked: ['db.one.test of 10.0.0.1', 'db.one.test of 10.0.0.2', 'db of 10.0.0.1'],
    found: 'SERVFAIL from 10.0.0.1 and 10.0.0.2',
  },
  {
    when: 'nobody at all is heard: the other suffixes are not asked for',
    name: 'db',
    search: ['one.test', 'two.test'],
    script: {},
    asked: ['db.one.test of 10.0.0.1', 'db.one.test of 10.0.0.2'],
    found: 'connection refused by 10.0.0.1 and 10.0.0.2',
  },
  {
    when: 'a suffix makes no name: the next is asked',
    name: 'db',
    search: ['x'.repeat(64)],
    script: { 'db of 10.0.0.1': denial },
    asked: ['db of 10.0.0.1'],
    found: `db.${'x'.repeat(64)} is not a DNS name`,
  },
];

it.each(rows)('When $when', ({ name = 'db.test', search, script, asked, found }) => {
  expect(run(name, script, search)).toEqual({ asked, found });
});

describe('An inquiry without time', () => {
  const begun = () => {
    const inquiry = new Lookup(
      { name: 'db.test', type: 'A' },
      { search: [], servers: () => servers, tryTimeoutMs: 2_000 },
    );
    inquiry.start();
    return inquiry;
  };

  it('ends with the failures so far', () => {
    const inquiry = begun();
    inquiry.onResponse(tried(servfail, 'db.test'));
    expect(inquiry.expire('no answer within 20 s')).toMatchObject({ message: 'SERVFAIL from 10.0.0.1' });
  });

  it('ends with the given message if there was no failure', () => {
    expect(begun().expire('no answer within 20 s')).toMatchObject({ message: 'no answer within 20 s' });
  });
});
