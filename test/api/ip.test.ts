import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseIp, type Ip } from '../../src/api/ip.ts';

const parsed = (text: string): Ip => {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is no IP`);
  return ip;
};

const mapped = (text: string): boolean => {
  const list = new BlockList();
  list.addSubnet('::ffff:0:0', 96, 'ipv6');
  return list.check(text, 'ipv6');
};

/** Texts that are nearly addresses: the characters of addresses, and addresses with one character changed. */
const nearly = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.stringMatching(/^[0-9a-fF:.]{0,45}$/),
  fc
    .tuple(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.nat(40),
      fc.constantFrom('', ':', '.', '0', 'f', '::', '%a', 'g'),
    )
    .map(([text, at, change]) => text.slice(0, at) + change + text.slice(at + 1)),
);

describe('parseIp', () => {
  it('accepts what Node accepts, except zones and IPv4-mapped addresses', () => {
    fc.assert(
      fc.property(nearly, (text) => {
        const expected = isIP(text) !== 0 && !text.includes('%') && (isIPv4(text) || !mapped(text));
        expect(parseIp(text) !== undefined).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it('writes the canonical text that Node writes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const ip = parseIp(text);
        if (ip === undefined) return;
        const family = ip.family === 'IPv4' ? 'ipv4' : 'ipv6';
        const bytes = ip.bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
        const nodes = new SocketAddress({ address: text, family }).address;
        expect(parsed(nodes).bytes).toEqual(ip.bytes);
        expect(parsed(ip.text)).toEqual(ip);
        expect(bytes).toHaveLength(ip.family === 'IPv4' ? 8 : 32);
      }),
    );
  });

  it.each([
    ['10.20.0.11', '10.20.0.11'],
    ['0.0.0.0', '0.0.0.0'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['2001:0DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1::', '1::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::1.2.3.4', '::102:304'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parsed(text).text).toBe(canonical);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    '1.2.3.-4',
    '::ffff:1.2.3.4',
    '::FFFF:102:304',
    'fe80::1%eth0',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '1::2::3',
    '12345::',
    '1.2.3.4::',
    '::1.2.3',
    ':1:2:3:4:5:6:7',
    '[::1]',
  ])('refuses "%s"', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});
