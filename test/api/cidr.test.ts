import { describe, expect, it } from '@jest/globals';
import { contains, parseCidr, type Cidr } from '../../src/api/cidr.ts';
import { parseIp } from '../../src/api/ip.ts';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
};
const ip = (text: string) => {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(`${text} is no IP`);
  return parsed;
};

describe('parseCidr', () => {
  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0/8',
    'fd00::/129',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '/8',
    '10.0.0.0/',
  ])('refuses %s', (text) => expect(parseCidr(text)).toBeUndefined());
});

describe('contains', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.20.16.0/20', '10.20.31.255', true],
    ['10.20.16.0/20', '10.20.32.0', false],
    ['10.20.0.11/32', '10.20.0.11', true],
    ['10.20.0.11/32', '10.20.0.10', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', 'fd00::1', false],
    ['fd00::/8', 'fdff::1', true],
    ['fd00::/8', 'fc00::1', false],
    ['fd00::1/128', 'fd00::1', true],
  ])('%s and %s: %s', (range, address, is) => expect(contains(cidr(range), ip(address))).toBe(is));
});
