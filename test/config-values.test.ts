import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDnsServer, parseDurationMs, parseListenAddress } from '../src/config/values.ts';

describe('a duration', () => {
  it('is the sum of its parts, in milliseconds', () => {
    const natural = fc.nat(999);
    fc.assert(
      fc.property(
        natural,
        natural,
        natural,
        (h, m, ms) => parseDurationMs(`${h}h${m}m${ms}ms`) === h * 3.6e6 + m * 6e4 + ms,
      ),
    );
  });

  it.each(['', 's', '1', '-1s', '1.5s', ' 1s', '1s ', '1d'])('is not %j', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});

describe('an address to listen on', () => {
  it.each([
    [':8080', { host: undefined, port: 8080 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['localhost:1', { host: 'localhost', port: 1 }],
    ['[::]:65535', { host: '::', port: 65535 }],
  ])('may be %j', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  it.each(['', '8080', ':', ':65536', '::1:80', '[1.2.3.4]:80', '999.0.0.256:1x', 'a b:80'])(
    'is not %j',
    (text) => {
      expect(parseListenAddress(text)).toBeUndefined();
    },
  );
});

describe('a name server', () => {
  it.each([
    ['10.96.0.10', { address: '10.96.0.10', port: 53 }],
    ['10.96.0.10:1', { address: '10.96.0.10', port: 1 }],
    ['fd00::10', { address: 'fd00::10', port: 53 }],
    ['[fd00::10]', { address: 'fd00::10', port: 53 }],
    ['[::1]:65535', { address: '::1', port: 65535 }],
  ])('may be %j', (text, server) => {
    expect(parseDnsServer(text)).toEqual(server);
  });

  it.each([
    '',
    ':53',
    'localhost',
    'dns:53',
    '10.96.0.10:',
    '10.96.0.10:0',
    '10.96.0.10:65536',
    '10.96.0.256',
    '[10.96.0.10]:53',
    '[fd00::10',
    'fd00::10]:53',
    'udp://10.96.0.10',
    '10.96.0.10#53',
    ' 10.96.0.10',
  ])('is not %j', (text) => {
    expect(parseDnsServer(text)).toBeUndefined();
  });
});
