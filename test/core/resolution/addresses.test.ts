import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { describe, expect, it } from '@jest/globals';
import { parseCidr, type Cidr } from '../../../src/api/cidr.ts';
import { addressPolicy } from '../../../src/core/resolution/address-policy.ts';
import { addressesOf, maxAddresses } from '../../../src/core/resolution/addresses.ts';
import type { HostAddress, Resolution } from '../../../src/core/resolution/resolve-host.ts';
import { aPort, aTarget, literal, resolved } from '../../support/builders/builders.ts';
import { service } from '../../support/builders/lookups.ts';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
};

describe('addressesOf', () => {
  const targets = (...hosts: readonly string[]) => hosts.map((host) => aTarget({ host }));

  it('publishes two spellings of one address once, and the later target reports it', () => {
    const [first, second] = addressesOf(targets('fd00::1', 'FD00:0::1'), literal, forbiddenRule);
    expect(first).toMatchObject({ addresses: [{ ip: 'fd00::1', family: 'IPv6' }] });
    expect(first).not.toHaveProperty('message');
    expect(second).toMatchObject({
      addresses: [],
      message: 'fd00::1 is published once, through target fd00::1',
    });
    expect(second).not.toHaveProperty('refused');
  });

  it('publishes the other addresses when one is refused', () => {
    const denying = addressPolicy({ denied: [cidr('10.1.0.0/16')] });
    const found = addressesOf(targets('10.1.0.1', '10.2.0.1'), literal, (ip) => denying(ip));
    expect(found.map(({ addresses }) => addresses.length)).toEqual([0, 1]);
    expect(found[0]?.message).toContain('--deny-cidr');
    expect(found[0]?.refused).toBe(true);
  });

  it('applies the address policy to every answer of a name', () => {
    const resolve = () =>
      resolved({ addresses: ['169.254.169.254', 'nonsense', '10.20.0.11'], error: 'away' });
    const [found] = addressesOf(targets('db.example.com'), resolve, forbiddenRule);
    expect(found?.addresses.map((address) => address.ip)).toEqual(['10.20.0.11']);
    expect(found?.message).toMatch(/^169\.254\.169\.254 is refused: .*; nonsense is not an IP address$/);
  });

  it('applies the address policy to the port of the target or SRV record', () => {
    const refusesKubelet = (_: unknown, port: number) => (port === 10250 ? 'the kubelet' : undefined);
    const both = [aTarget({ port: 10250 }), aTarget({ port: 5433 })];
    const found = addressesOf(both, literal, refusesKubelet);
    expect(found.map(({ message }) => message)).toEqual(['10.20.0.11 is refused: the kubelet', undefined]);
  });

  it('publishes one address with two ports as two addresses', () => {
    const both = [aTarget({ port: 5432 }), aTarget({ port: 5433 })];
    const found = addressesOf(both, literal, forbiddenRule);
    expect(found.flatMap(({ addresses }) => addresses.map(({ port }) => port))).toEqual([5432, 5433]);
  });

  it("ignores a target's port that repeats the only port of the backend, so that all share one slice", () => {
    const both = [aTarget(), aTarget({ port: 6432 }), aTarget({ host: '10.20.0.12', port: 6432 })];
    const found = addressesOf(both, literal, forbiddenRule, [aPort({ targetPort: 6432 })]);
    expect(found.map(({ addresses }) => addresses.map(({ port }) => port))).toEqual([[0], [], [0]]);
  });
});

describe('addressesOf with names', () => {
  const from = (host: string, ip: string, over: Partial<HostAddress> = {}): HostAddress => ({
    ip,
    host,
    kept: false,
    ...over,
  });
  /** Addresses of hosts; a host that is not in it is a literal address. */
  const giving =
    (hosts: Readonly<Record<string, readonly HostAddress[]>>) =>
    (host: string): Resolution => {
      const addresses = hosts[host];
      return addresses === undefined
        ? literal(host)
        : { ...resolved({ addresses: [], state: 'Answered', resolvedWall: 7 }), addresses };
    };
  const targets = (...hosts: readonly string[]) => hosts.map((host) => aTarget({ host }));
  const ipsOf = (found: ReturnType<typeof addressesOf>) =>
    found.map(({ addresses }) => addresses.map((each) => `${each.ip}${each.kept ? ' kept' : ''}`));
  const a = (...ips: readonly string[]) => ips.map((ip) => from('a.example.com', ip));
  const b = (...ips: readonly string[]) => ips.map((ip) => from('b.example.com', ip));
  const kept = (all: readonly HostAddress[]) => all.map((each) => ({ ...each, kept: true }));

  it('reports the resolution of a name, and none of a literal address', () => {
    const found = addressesOf(targets('a.', '10.0.0.9'), giving({ 'a.': a('10.0.0.1') }), forbiddenRule);
    expect(found[0]?.resolution).toEqual({ state: 'Answered', resolvedWall: 7, error: undefined });
    expect(found[0]?.addresses[0]?.host).toBe('a.example.com');
    expect(found[1]).not.toHaveProperty('resolution');
  });

  it.each([
    ['alone', { 'a.': [...a('10.0.0.1'), ...kept(a('10.0.0.2'))] }, [['10.0.0.1', '10.0.0.2 kept'], []]],
    [
      'when a later name gives the same address',
      { 'a.': kept(a('10.0.0.1')), 'b.': b('10.0.0.1') },
      [[], ['10.0.0.1']],
    ],
    ['twice', { 'a.': kept(a('10.0.0.1')), 'b.': kept(b('10.0.0.1')) }, [['10.0.0.1 kept'], []]],
  ])('keeps an address that was removed from the answer: %s', (_, hosts, ips) => {
    const found = addressesOf(targets('a.', 'b.'), giving({ 'b.': [], ...hosts }), forbiddenRule);
    expect(ipsOf(found)).toEqual(ips);
    for (const each of found) expect(each).not.toHaveProperty('message');
  });

  it('keeps no forbidden address that was removed from the answer', () => {
    expect(
      ipsOf(addressesOf(targets('a.'), giving({ 'a.': kept(a('169.254.169.254')) }), forbiddenRule)),
    ).toEqual([[]]);
  });

  it('publishes an address of two names once, and the later one reports it', () => {
    const hosts = { 'a.': a('10.0.0.1'), 'b.': b('10.0.0.1', '10.0.0.2') };
    const found = addressesOf(targets('a.', 'b.'), giving(hosts), forbiddenRule);
    expect(ipsOf(found)).toEqual([['10.0.0.1'], ['10.0.0.2']]);
    expect(found[1]?.message).toBe('10.0.0.1 is published once, through target a.');
  });

  it('publishes an address of a name and of a literal target through the literal one, in any order', () => {
    const [name, address] = addressesOf(
      targets('a.', '10.0.0.1'),
      giving({ 'a.': a('10.0.0.1') }),
      forbiddenRule,
    );
    expect(address?.addresses).toMatchObject([{ ip: '10.0.0.1', host: '10.0.0.1' }]);
    expect(name).toMatchObject({
      addresses: [],
      message: '10.0.0.1 is published once, through target 10.0.0.1',
    });
  });

  it('uses the port of the SRV record, unless it repeats the port of the backend', () => {
    const record = (ip: string, port: number) => from('db0.', ip, { record: service('db0.', { port }) });
    const hosts = { 'a.': [record('10.0.0.1', 5432), record('10.0.0.1', 5433), record('10.0.0.2', 5433)] };
    const [found] = addressesOf(targets('a.'), giving(hosts), forbiddenRule, [aPort()]);
    expect(found?.addresses.map(({ ip, port }) => `${ip} ${port}`)).toEqual([
      '10.0.0.1 0',
      '10.0.0.1 5433',
      '10.0.0.2 5433',
    ]);
    expect(found?.addresses[1]?.record?.port).toBe(5433);
  });

  const many = (count: number) => Array.from({ length: count }, (_, n) => `10.1.${n >> 8}.${n & 255}`);

  it('publishes no more addresses than the limit, the kept ones last, and reports it', () => {
    const hosts = { 'a.': kept(a('10.9.0.1')), 'b.': b(...many(maxAddresses + 5)) };
    const [first, second] = addressesOf(targets('a.', 'b.'), giving(hosts), forbiddenRule);
    expect([first?.addresses.length, second?.addresses.length]).toEqual([0, maxAddresses]);
    expect(second?.message).toContain(
      `only the first ${maxAddresses} addresses are published: an ExternalBackend has at most`,
    );
  });

  it('publishes all literal addresses when a name has too many', () => {
    const found = addressesOf(
      targets('a.', '10.9.0.1'),
      giving({ 'a.': a(...many(maxAddresses + 5)) }),
      forbiddenRule,
    );
    expect(found.map(({ addresses }) => addresses.length)).toEqual([maxAddresses - 1, 1]);
  });

  it('publishes fewer addresses with a lower limit', () => {
    const found = addressesOf(targets('a.'), giving({ 'a.': a(...many(9)) }), forbiddenRule, [], 4);
    expect(found[0]).toMatchObject({
      message: expect.stringMatching(/^only the first 4 addresses are published: /),
    });
    expect(found[0]?.addresses).toHaveLength(4);
  });
});
