import { describe, expect, it } from '@jest/globals';
import { encode } from 'dns-packet';
import type { Answer } from 'dns-packet';
import fc from 'fast-check';
import { parseIp } from '../../../src/api/ip.ts';
import { encodeQuery, questionEnd, readSections } from '../../../src/dns/query/wire.ts';
import type { ResourceRecord, Sections } from '../../../src/dns/query/wire.ts';

const name = 'db.test';

/** A response to the question for `name`, as another implementation writes it. */
const response = (answers: readonly Answer[], authorities: readonly Answer[] = []): Buffer =>
  encode({
    type: 'response',
    questions: [{ type: 'A', name }],
    answers: [...answers],
    authorities: [...authorities],
  });

/** The same, with these bytes as its answer section. */
function raw(count: number, ...bytes: readonly (number | string)[]): Buffer {
  const parts = bytes.map((each) =>
    typeof each === 'number' ? Buffer.from([each]) : Buffer.from(each, 'latin1'),
  );
  const message = Buffer.concat([response([]), ...parts]);
  message.writeUInt16BE(count, 6);
  return message;
}

const read = (message: Buffer): Sections | undefined => readSections(message, questionEnd(name));

/** Type A, class IN, TTL 1, 4 bytes of address. */
const addressA = '\0\x01\0\x01\0\0\0\x01\0\x04\x0a\0\0\x01';
const pointerToName = '\xc0\x0c';

describe('a query', () => {
  it.each([
    '',
    '.',
    'a..b',
    '.a',
    'a.',
    `${'x'.repeat(64)}.test`,
    'a b',
    'ä.test',
    'a\\046b',
    'x.'.repeat(126) + 'xx',
  ])('is not created for %p, which is not a name', (text) => expect(encodeQuery(text, 'A')).toBeUndefined());

  it('is created for names of the maximum length, with the recursion bit', () => {
    const longest = ['x'.repeat(63), 'x'.repeat(63), 'x'.repeat(63), 'x'.repeat(61)].join('.');
    const bytes = encodeQuery(longest, 'A');
    expect(bytes?.length).toBe(12 + 255 + 4);
    expect(bytes?.readUInt16BE(2)).toBe(0x0100);
  });

  it('is byte for byte what another implementation writes', () => {
    fc.assert(
      fc.property(anyName, fc.constantFrom('A', 'AAAA', 'SRV', 'SOA'), (asked, type) => {
        const theirs = encode({ type: 'query', id: 0, flags: 0x0100, questions: [{ type, name: asked }] });
        expect(encodeQuery(asked, type)).toEqual(theirs);
      }),
    );
  });
});

const label = fc.stringMatching(/^[!-\-/-\[\]-~]{1,63}$/);
const anyName = fc
  .array(label, { minLength: 1, maxLength: 5 })
  .map((labels) => labels.join('.'))
  .filter(({ length }) => length <= 253);
const uint16 = fc.nat({ max: 0xffff });
const ipv4 = fc.ipV4();
/** Written out: dns-packet does not know all forms. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), uint16), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.map((group) => group.toString(16)).join(':'));

describe('records', () => {
  it('are read as another implementation wrote them', () => {
    const data = fc.oneof(
      fc.record({ type: fc.constant('A' as const), data: ipv4 }),
      fc.record({ type: fc.constant('AAAA' as const), data: ipv6 }),
      fc.record({ type: fc.constant('CNAME' as const), data: anyName }),
      fc.record({
        type: fc.constant('SRV' as const),
        data: fc.record({ priority: uint16, weight: uint16, port: uint16, target: anyName }),
      }),
    );
    const record = fc.tuple(anyName, fc.nat({ max: 2 ** 31 - 1 }), data);
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 5 }),
        fc.array(record, { maxLength: 2 }),
        (answers, authorities) => {
          const written = [answers, authorities].map((section) =>
            section.map(([owner, ttl, each]): Answer => ({ ...each, name: owner, ttl })),
          );
          expect(read(response(written[0] ?? [], written[1]))).toEqual({
            answers: written[0]?.map(asRead),
            authorities: written[1]?.map(asRead),
          });
        },
      ),
    );
  });

  it('of a SOA have its minimum, and the name of the zone', () => {
    const soa = {
      mname: 'ns.test',
      rname: 'admin.test',
      serial: 1,
      refresh: 2,
      retry: 3,
      expire: 4,
      minimum: 5,
    };
    expect(read(response([], [{ type: 'SOA', name: 'Test', ttl: 60, data: soa }]))?.authorities).toEqual([
      { name: 'test', ttlMs: 60_000, data: { type: 'SOA', minimumMs: 5_000 } },
    ]);
  });

  it('of other types and classes are skipped', () => {
    const answers: Answer[] = [
      { type: 'TXT', name, ttl: 1, data: 'text' },
      { type: 'A', name, class: 'CH', ttl: 1, data: '10.0.0.1' },
      { type: 'A', name, ttl: 1, data: '10.0.0.2' },
    ];
    expect(read(response(answers))?.answers).toMatchObject([{ data: { address: '10.0.0.2' } }]);
  });

  it('with a pointer have the name that it points to, whole or behind labels of their own', () => {
    const message = raw(2, pointerToName, addressA, '\x01X', '\xc0\x0f', addressA);
    expect(read(message)?.answers.map((each) => each.name)).toEqual(['db.test', 'x.test']);
  });

  it('with bytes that are not plain have them as numbers, so that no two names have the same text', () => {
    const message = raw(2, '\x03a.b\0', addressA, '\x02a\\\0', addressA);
    expect(read(message)?.answers.map((each) => each.name)).toEqual(['a\\046b', 'a\\092']);
  });
});

describe('a message is malformed if', () => {
  it.each<[string, Buffer]>([
    ['a pointer points to itself', raw(1, '\xc0\x19', addressA)],
    ['a pointer points forwards', raw(1, '\xc0\x20', addressA)],
    ['pointers go round', raw(1, '\x01a\xc0\x19', addressA)],
    ['a pointer is cut', raw(1, '\xc0')],
    ['a label is of a kind that does not exist', raw(1, '\x40', addressA)],
    ['a name has more than 255 bytes', raw(1, ...Array<string>(128).fill('\x01a'), '\0', addressA)],
    ['an address is too short', raw(1, pointerToName, '\0\x01\0\x01\0\0\0\x01\0\x03\x0a\0\0')],
    ['an address is too long', raw(1, pointerToName, '\0\x01\0\x01\0\0\0\x01\0\x05\x0a\0\0\x01\0')],
    [
      'the name of an alias ends before its record',
      raw(1, pointerToName, '\0\x05\0\x01\0\0\0\x01\0\x03\xc0\x0c\0'),
    ],
    [
      'a record of another type goes beyond the end',
      raw(1, pointerToName, '\0\x10\0\x01\0\0\0\x01\0\x05abc'),
    ],
    ['there are fewer records than it says', raw(2, pointerToName, addressA)],
  ])('%s', (_what, message) => expect(read(message)).toBeUndefined());
});

function asRead(answer: Answer): ResourceRecord | undefined {
  if (!('ttl' in answer)) return undefined;
  const resource = { name: answer.name.toLowerCase(), ttlMs: (answer.ttl ?? 0) * 1_000 };
  switch (answer.type) {
    case 'A':
    case 'AAAA':
      return { ...resource, data: { type: answer.type, address: parseIp(answer.data)?.text } };
    case 'CNAME':
      return { ...resource, data: { type: answer.type, target: answer.data.toLowerCase() } };
    case 'SRV': {
      const { target, priority = 0, weight = 0, port } = answer.data;
      return { ...resource, data: { type: answer.type, priority, weight, port, host: target.toLowerCase() } };
    }
    default:
      return undefined;
  }
}
