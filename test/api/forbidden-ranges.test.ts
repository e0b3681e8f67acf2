import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { forbiddenRanges, forbiddenRule } from '../../src/api/forbidden-ranges.ts';
import { parseIp, type Ip } from '../../src/api/ip.ts';
import { embeddings } from './embeddings.ts';

const parsed = (text: string): Ip => {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is no IP`);
  return ip;
};

/** Addresses of every range, and any other. */
const ipv4 = fc.oneof(
  fc.ipV4(),
  fc
    .tuple(
      fc.constantFrom(
        '0',
        '127',
        '169.254',
        '224',
        '240',
        '255.255',
        '192.0.0',
        '10.96',
        '168.63.129',
        '100.100.100',
      ),
      fc.array(fc.nat(255), { minLength: 3, maxLength: 3 }),
    )
    .map(([head, tail]) => [...head.split('.'), ...tail].slice(0, 4).join('.')),
  fc.constantFrom('168.63.129.16', '100.100.100.200', '192.0.0.192', '255.255.255.255', '0.0.0.0'),
);

describe('forbiddenRule', () => {
  it.each([
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['::1', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['fe80::1', 'link-local'],
    ['febf:ffff::1', 'link-local'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['ff0e::1', 'multicast'],
    ['169.254.170.2', 'link-local'],
    ['169.254.170.23', 'link-local'],
    ['168.63.129.16', 'cloud metadata'],
    ['100.100.100.200', 'cloud metadata'],
    ['192.0.0.192', 'cloud metadata'],
    ['fd00:ec2::254', 'cloud metadata'],
    ['fd00:ec2:0::23', 'cloud metadata'],
    ['FD20:CE::254', 'cloud metadata'],
    ['fd00:42::42', 'cloud metadata'],
    ['192.0.0.10', 'cloud metadata'],
    ['fd00:ec2:ffff::1', 'cloud metadata'],
    ['0.0.0.1', 'reserved'],
    ['0.255.255.255', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.254', 'reserved'],
    ['fec0::1', 'reserved'],
    ['feff::1', 'reserved'],
  ])('forbids %s as %s', (text, name) => {
    expect(forbiddenRule(parsed(text))).toContain(name);
  });

  it.each([
    '126.255.255.255',
    '128.0.0.1',
    '169.253.1.1',
    '10.0.0.1',
    'fd00::1',
    '168.63.129.17',
    '192.0.1.1',
    '1.0.0.1',
    'fe00::1',
    'fd00:ec3::254',
    '2001:db8::1',
  ])('allows %s', (text) => {
    expect(forbiddenRule(parsed(text))).toBeUndefined();
  });
});

describe('an IPv6 address that leads to an IPv4 address', () => {
  it.each(embeddings)('is forbidden as $name if and only if that IPv4 address is', ({ embed }) => {
    fc.assert(
      fc.property(ipv4, (text) => {
        const inner = forbiddenRule(parsed(text));
        const rule = forbiddenRule(parsed(embed(text)));
        expect(rule !== undefined).toBe(inner !== undefined);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['64:ff9b::a9fe:a9fe', 'it leads to 169.254.169.254 (NAT64), a link-local address'],
    ['64:ff9b:1::7f00:1', 'it leads to 127.0.0.1 (local NAT64), a loopback address'],
    ['64:ff9b:1:a9fe:a9:fe00::', 'it leads to 169.254.169.254 (local NAT64)'],
    ['64:ff9b:1:a9:fe:a9fe::', 'it leads to 169.254.169.254 (local NAT64)'],
    ['64:ff9b:1:0:a9:fea9:fe00::', 'it leads to 169.254.169.254 (local NAT64)'],
    ['2002:a9fe:a9fe::1', 'it leads to 169.254.169.254 (6to4)'],
    ['2001:0:a9fe:a9fe::1', 'it leads to 169.254.169.254 (Teredo server)'],
    ['2001:0:808:808::8000:fffe', 'it leads to 127.255.0.1 (Teredo)'],
    ['::127.0.0.1', 'it leads to 127.0.0.1 (IPv4-compatible)'],
    ['::ffff:0:169.254.169.254', 'it leads to 169.254.169.254 (IPv4-translated)'],
    ['2001:db8::5efe:169.254.169.254', 'it leads to 169.254.169.254 (ISATAP)'],
    ['2001:db8::200:5efe:169.254.169.254', 'it leads to 169.254.169.254 (ISATAP)'],
    ['::2', 'it leads to 0.0.0.2 (IPv4-compatible), a reserved address'],
  ])('is forbidden with a message that contains that IPv4 address: %s', (text, words) =>
    expect(forbiddenRule(parsed(text))).toContain(words),
  );
});

it('The ranges are disjoint, so that an address breaks one rule only', () => {
  fc.assert(
    fc.property(fc.oneof(ipv4, fc.ipV6()), (text) => {
      const ip = parseIp(text);
      const broken = ip === undefined ? [] : forbiddenRanges.filter((range) => range.includes(ip));
      expect(broken.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 2000 },
  );
});
