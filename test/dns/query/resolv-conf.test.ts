import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseResolvConf, ResolvConf, serverText } from '../../../src/dns/query/resolv-conf.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';

describe('a name server in a message', () => {
  it.each([
    ['10.0.0.2', 53, '10.0.0.2'],
    ['10.0.0.2', 5353, '10.0.0.2:5353'],
    ['fd00::2', 53, 'fd00::2'],
    ['fd00::2', 5353, '[fd00::2]:5353'],
  ])('%s at port %d is written %s', (address, port, text) =>
    expect(serverText({ address, port })).toBe(text),
  );
});

describe('resolv.conf', () => {
  it('has its servers, each once, and the last of its search lists', () => {
    const text = [
      '# nameserver 10.6.6.6',
      'domain old.test',
      'nameserver 10.96.0.10',
      'nameserver\tfd00::10  ',
      ' nameserver 10.96.0.10',
      'nameserver dns.test',
      'search Shop.svc.cluster.local. svc.cluster.local .',
      'options ndots:5 timeout:1',
    ].join('\n');
    expect(parseResolvConf(text)).toEqual({
      servers: [
        { address: '10.96.0.10', port: 53 },
        { address: 'fd00::10', port: 53 },
      ],
      search: ['shop.svc.cluster.local', 'svc.cluster.local'],
    });
  });

  it('can have a domain instead of a search list', () => {
    expect(parseResolvConf('search a.test\ndomain b.test c.test').search).toEqual(['b.test']);
  });
});

describe('resolv.conf as it changes', () => {
  const clock = new ManualClock();
  let folder = '';
  let path = '';
  const write = (text: string) => {
    writeFileSync(join(folder, 'next'), text);
    renameSync(join(folder, 'next'), path);
  };
  const later = () => clock.jump(60_000);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'resolv-'));
    path = join(folder, 'resolv.conf');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const addresses = (conf: ResolvConf) => conf.current().servers.map(({ address }) => address);

  it('is read again once some seconds have passed, replaced or written in place', () => {
    write('nameserver 10.0.0.1');
    const conf = new ResolvConf({ clock, path });
    expect(addresses(conf)).toEqual(['10.0.0.1']);
    write('nameserver 10.0.0.2');
    expect(addresses(conf)).toEqual(['10.0.0.1']);
    later();
    expect(addresses(conf)).toEqual(['10.0.0.2']);
    writeFileSync(path, 'nameserver 10.0.0.33');
    later();
    expect(addresses(conf)).toEqual(['10.0.0.33']);
  });

  it('remains in effect while the file is missing, empty or without a server', () => {
    write('nameserver 10.0.0.1\nsearch a.test');
    const conf = new ResolvConf({ clock, path });
    const first = conf.current();
    for (const text of ['', 'search b.test', 'garbage']) {
      write(text);
      later();
      expect(conf.current()).toBe(first);
    }
    rmSync(path);
    later();
    expect(conf.current()).toBe(first);
    write('nameserver 10.0.0.2');
    later();
    expect(addresses(conf)).toEqual(['10.0.0.2']);
  });

  it('has no server while there never was a file', () => {
    const conf = new ResolvConf({ clock, path });
    expect(conf.current()).toEqual({ servers: [], search: [] });
    write('nameserver 10.0.0.1');
    later();
    expect(addresses(conf)).toEqual(['10.0.0.1']);
  });

  it('provides the search list even if other servers are configured', () => {
    write('nameserver 10.0.0.1\nsearch a.test');
    const servers = [{ address: '10.9.9.9', port: 5353 }];
    expect(new ResolvConf({ clock, path, servers }).current()).toEqual({ servers, search: ['a.test'] });
  });
});
