import { describe, expect, it } from '@jest/globals';
import { parseIp } from '../../src/api/ip.ts';
import { addressesOf, contains, parseCidr, refusal, type Cidr } from '../../src/core/address.ts';
import { aPort, aTarget, literal, resolved } from '../support/builders.ts';

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

describe('refusal', () => {
  it.each(['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1', '::1', 'fe80::1', 'ff02::1', '::'])(
    'forbids %s wherever it comes from',
    (text) => expect(refusal(ip(text), [])).toBeDefined(),
  );

  it('forbids what the operator was told to deny, and names the flag', () => {
    expect(refusal(ip('10.1.2.3'), [cidr('192.0.2.0/24'), cidr('10.0.0.0/8')])).toBe(
      'denied by --deny-cidr 10.0.0.0/8',
    );
    expect(refusal(ip('10.1.2.3'), [])).toBeUndefined();
  });
});

describe('addressesOf', () => {
  const targets = (...hosts: readonly string[]) => hosts.map((host) => aTarget({ host }));

  it('publishes two spellings of one address once, and the later target says so', () => {
    const [first, second] = addressesOf(targets('fd00::1', 'FD00:0::1'), literal, []);
    expect(first).toMatchObject({ addresses: [{ ip: 'fd00::1', family: 'IPv6' }] });
    expect(first).not.toHaveProperty('message');
    expect(second).toMatchObject({
      addresses: [],
      message: 'fd00::1 is published once, through target fd00::1',
    });
  });

  it('holds back no other address when one is refused', () => {
    const found = addressesOf(targets('10.1.0.1', '10.2.0.1'), literal, [cidr('10.1.0.0/16')]);
    expect(found.map(({ addresses }) => addresses.length)).toEqual([0, 1]);
    expect(found[0]?.message).toContain('--deny-cidr');
  });

  it('judges what a name resolves to, every time', () => {
    const resolve = () =>
      resolved({ addresses: ['169.254.169.254', 'nonsense', '10.20.0.11'], error: 'away' });
    const [found] = addressesOf(targets('db.example.com'), resolve, []);
    expect(found?.addresses.map((address) => address.ip)).toEqual(['10.20.0.11']);
    expect(found?.message).toMatch(/^169\.254\.169\.254 is refused: .*; nonsense is not an IP address$/);
  });

  it('takes one address with two ports for two', () => {
    const both = [aTarget({ port: 5432 }), aTarget({ port: 5433 })];
    const found = addressesOf(both, literal, []);
    expect(found.flatMap(({ addresses }) => addresses.map(({ port }) => port))).toEqual([5432, 5433]);
  });

  it("takes a target's port that repeats the backend's for none, so that all share one slice", () => {
    const both = [aTarget(), aTarget({ port: 6432 }), aTarget({ host: '10.20.0.12', port: 6432 })];
    const found = addressesOf(both, literal, [], [aPort({ targetPort: 6432 })]);
    expect(found.map(({ addresses }) => addresses.map(({ port }) => port))).toEqual([[0], [], [0]]);
  });
});
