import { describe, expect, it } from '@jest/globals';
import { AUTHORITATIVE_ANSWER, encode } from 'dns-packet';
import type { Answer as Resource, Packet } from 'dns-packet';
import fc from 'fast-check';
import { isResponseTo, readResponse, withId } from '../../../src/dns/query/message.ts';
import type { ParsedResponse, WireType } from '../../../src/dns/query/message.ts';
import { encodeQuery } from '../../../src/dns/query/wire.ts';
import { a, aaaa, cname, manyA, soa, srv } from '../../support/fakes/scripted-dns.ts';

const name = 'db.test';

function query(asked = name, type: WireType = 'A'): Buffer {
  const bytes = encodeQuery(asked, type);
  if (bytes === undefined) throw new Error(`${asked} is no name`);
  return bytes;
}

function response(more: Packet = {}, rcode = 0, type: WireType = 'A'): Buffer {
  return encode({
    type: 'response',
    flags: AUTHORITATIVE_ANSWER | rcode,
    questions: [{ type, name }],
    ...more,
  });
}

const read = (answers: readonly Resource[], type: WireType = 'A', more: Packet = {}): ParsedResponse =>
  readResponse(response({ answers: [...answers], ...more }, 0, type), name, type);

const records = (ttlMs: number, ...addresses: readonly string[]): ParsedResponse => ({
  kind: 'records',
  ttlMs,
  addresses,
  services: [],
});

describe('a response', () => {
  it('belongs to the query whatever the case of the name', () => {
    expect(isResponseTo(query(), response({ questions: [{ type: 'A', name: 'DB.tESt' }] }))).toBe(true);
  });

  it.each<[string, Buffer]>([
    ['a query', query()],
    ['another name', response({ questions: [{ type: 'A', name: 'dc.test' }] })],
    ['a longer name', response({ questions: [{ type: 'A', name: 'x.db.test' }] })],
    ['another type', response({ questions: [{ type: 'AAAA', name }] })],
    ['another class', response({ questions: [{ type: 'A', name, class: 'CH' }] })],
    ['no question', response({ questions: [] })],
    [
      'two questions',
      response({
        questions: [
          { type: 'A', name },
          { type: 'A', name },
        ],
      }),
    ],
    ['nothing', Buffer.alloc(0)],
  ])('does not belong to the query if it has %s', (_what, bytes) =>
    expect(isResponseTo(query(), bytes)).toBe(false),
  );

  it('does not belong to the query if a byte of the question differs by more than its case', () => {
    const right = response();
    const at = fc.record({ index: fc.nat({ max: 12 }), bit: fc.nat({ max: 7 }) });
    fc.assert(
      fc.property(at, ({ index, bit }) => {
        const wrong = withId(right, 0);
        const before = wrong[12 + index] ?? 0;
        wrong[12 + index] = before ^ (1 << bit);
        const caseOnly = bit === 5 && /[a-z]/.test(String.fromCharCode(before));
        expect(isResponseTo(query(), wrong)).toBe(caseOnly);
      }),
    );
  });
});

describe('addresses', () => {
  it('come in one order, each once, with the least time to live', () => {
    const answers = [a(name, '10.0.0.2', 60), a(name, '10.0.0.1', 7), a(name, '10.0.0.2', 60)];
    expect(read(answers)).toEqual(records(7_000, '10.0.0.1', '10.0.0.2'));
  });

  it('of IPv6 are in canonical form', () => {
    expect(read([aaaa(name, 'fd00:0:0:0:0:0:0:ABCD', 9)], 'AAAA')).toEqual(records(9_000, 'fd00::abcd'));
  });

  it('are found at the end of a chain of CNAMEs, in any order and case, with the smallest time to live', () => {
    const chain = [
      cname('c.test', 'd.test', 20),
      a('E.test', '10.0.0.5', 30),
      cname('DB.test', 'b.test', 50),
      cname('d.TEST', 'e.test', 40),
      cname('b.test', 'C.test', 5),
    ];
    expect(read(chain)).toEqual(records(5_000, '10.0.0.5'));
  });

  it('of another name than the queried one are ignored', () => {
    expect(read([a(name, '10.0.0.1'), a('other.test', '10.6.6.6', 1)])).toEqual(records(60_000, '10.0.0.1'));
  });

  it('of another type are ignored', () => {
    expect(read([a(name, '10.0.0.1')], 'AAAA')).toMatchObject({ kind: 'none', reason: 'NoAddress' });
  });

  it('that are IPv4-mapped are left out, and are a failure if there are no others', () => {
    const mapped = aaaa(name, '::ffff:10.0.0.1');
    expect(read([mapped, aaaa(name, 'fd00::1')], 'AAAA')).toEqual(records(60_000, 'fd00::1'));
    expect(read([mapped], 'AAAA')).toEqual({ kind: 'failed', reason: 'no usable record in the answer' });
  });

  it('with the highest bit set in the TTL have a TTL of zero', () => {
    expect(read([a(name, '10.0.0.1', 2 ** 31)])).toEqual(records(0, '10.0.0.1'));
  });

  it('can be a thousand', () => {
    expect(read(manyA(name, 1_000))).toMatchObject({ addresses: { length: 1_000 } });
  });
});

describe('services', () => {
  it('come in one order, each once, their hosts in lower case', () => {
    const answers = ['20 0 5432 b.test', '10 5 5433 A.Test', '10 5 5433 a.test', '10 5 443 a.test'];
    expect(
      read(
        answers.map((text) => srv(name, text)),
        'SRV',
      ),
    ).toEqual({
      kind: 'records',
      ttlMs: 60_000,
      addresses: [],
      services: [
        { host: 'a.test', port: 443, priority: 10, weight: 5 },
        { host: 'a.test', port: 5433, priority: 10, weight: 5 },
        { host: 'b.test', port: 5432, priority: 20, weight: 0 },
      ],
    });
  });

  it('are a negative answer if the only target is the root', () => {
    expect(read([srv(name, '0 0 0 .', 17)], 'SRV')).toMatchObject({ reason: 'NoAddress', ttlMs: 17_000 });
  });
});

describe('a negative answer', () => {
  const zone = 'test';

  it('is valid for the smaller one of the TTL and the minimum of the SOA', () => {
    const of = (ttl: number, minimum: number) =>
      readResponse(response({ authorities: [soa(zone, ttl, minimum)] }, 3), name, 'A');
    expect(of(60, 30)).toEqual({ kind: 'none', reason: 'NoSuchName', ttlMs: 30_000, zone });
    expect(of(20, 30)).toMatchObject({ ttlMs: 20_000 });
  });

  it('without a SOA has a time to live of 0', () => {
    const none = { kind: 'none', ttlMs: 0, zone: undefined };
    expect(readResponse(response({}, 3), name, 'A')).toEqual({ ...none, reason: 'NoSuchName' });
    expect(readResponse(response(), name, 'A')).toEqual({ ...none, reason: 'NoAddress' });
  });

  it('for the target of an alias is valid no longer than the alias', () => {
    const of = (rcode: number) =>
      readResponse(
        response({ answers: [cname(name, 'b.test', 4)], authorities: [soa(zone)] }, rcode),
        name,
        'A',
      );
    expect(of(0)).toEqual({ kind: 'none', reason: 'NoAddress', ttlMs: 4_000, zone });
    expect(of(3)).toEqual({ kind: 'none', reason: 'NoSuchName', ttlMs: 4_000, zone });
  });
});

describe('a response without an answer', () => {
  it('is an alias without records of its target', () => {
    expect(read([cname(name, 'B.test', 4)])).toEqual({ kind: 'alias', target: 'b.test', ttlMs: 4_000 });
  });

  it('is a CNAME loop', () => {
    expect(read([cname(name, 'b.test'), cname('b.test', name)])).toMatchObject({ reason: 'CNAME loop' });
  });

  it('is a referral by a server that is neither authoritative nor a resolver', () => {
    const authorities: Resource[] = [{ type: 'NS', name: 'test', ttl: 60, data: 'ns.test' }];
    expect(readResponse(response({ authorities, flags: 0 }), name, 'A')).toMatchObject({
      reason: 'referral',
    });
  });

  it.each([
    [1, 'FORMERR'],
    [2, 'SERVFAIL'],
    [4, 'NOTIMP'],
    [5, 'REFUSED'],
    [9, 'rcode 9'],
  ])('is the rcode %d, %s', (rcode, reason) => {
    expect(readResponse(response({}, rcode), name, 'A')).toEqual({ kind: 'failed', reason });
  });

  it('is every truncated message', () => {
    const whole = response({ answers: [aaaa(name, 'fd00::1'), aaaa(name, 'fd00::2')] }, 0, 'AAAA');
    for (let end = query().length; end < whole.length; end++) {
      const cut = Buffer.from(whole.subarray(0, end));
      expect([end, readResponse(cut, name, 'AAAA')]).toEqual([
        end,
        { kind: 'failed', reason: 'malformed answer' },
      ]);
    }
  });

  it('is a message whose record count exceeds its length', () => {
    const bytes = response();
    bytes.writeUInt16BE(0xffff, 6);
    expect(readResponse(bytes, name, 'A')).toMatchObject({ reason: 'malformed answer' });
  });

  it('never makes the parser throw, whatever bytes follow the question', () => {
    const tail = fc.uint8Array({ maxLength: 512 });
    const counts = fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 }));
    fc.assert(
      fc.property(
        tail,
        counts,
        fc.constantFrom<WireType>('A', 'AAAA', 'SRV', 'SOA'),
        (bytes, [an, ns], type) => {
          const message = Buffer.concat([response({}, 0, type), bytes]);
          message.writeUInt16BE(an, 6);
          message.writeUInt16BE(ns, 8);
          expect(['records', 'alias', 'none', 'failed']).toContain(readResponse(message, name, type).kind);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('never makes the parser throw, whatever bits of a valid response are flipped', () => {
    const answers = [cname(name, 'b.test'), a('b.test', '10.0.0.1'), a('b.test', '10.0.0.2')];
    const whole = response({ answers, authorities: [soa('test')] });
    const turns = fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(turns, (list) => {
        const message = Buffer.from(whole);
        for (const [index, value] of list) message[index] = value;
        expect(['records', 'alias', 'none', 'failed']).toContain(readResponse(message, name, 'A').kind);
      }),
      { numRuns: 1_000 },
    );
  });
});
