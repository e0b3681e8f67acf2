import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { classifyErrno, verdict } from '../../src/probe/verdict/verdicts.ts';
import { cleanMessage } from '../../src/probe/verdict/message.ts';
import { createProbes } from '../../src/probe/probes.ts';
import { forever, httpCheck, icmpCheck, tcpCheck } from './support/checks.ts';
import { listen, refusingPort } from './support/listener.ts';

describe('createProbes', () => {
  it('asks each check in its own way', async () => {
    const probes = createProbes({ icmp: { load: () => Promise.reject(new Error('none')) } });
    const listener = await listen({
      onConnection: (socket) => socket.end('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'),
    });
    const checks = [tcpCheck(listener.port), httpCheck(listener.port), icmpCheck('127.0.0.1')];
    const verdicts = await Promise.all(checks.map((check) => probes.probe(check, forever)));
    expect(verdicts.map(({ reason }) => reason)).toEqual(['Connected', 'UnexpectedStatus', 'ProberFault']);
    probes.close();
    await listener.stop();
  });

  it('turns what is thrown into a prober fault that does not quote the user’s headers', async () => {
    const probes = createProbes();
    const port = await refusingPort();
    const secret = httpCheck(port, { httpHeaders: [{ name: 'Authorization', value: 'Bearer s3cret\n' }] });
    const result = await probes.probe(secret, forever);
    expect(result).toMatchObject({ kind: 'inconclusive', reason: 'ProberFault' });
    expect(result.message).toMatch(/^the probe failed with \w+ ERR_INVALID_CHAR$/);
  });

  it('turns a check that nobody validated into a prober fault', async () => {
    const probes = createProbes();
    expect(await probes.probe(tcpCheck(99_999), forever)).toMatchObject({
      kind: 'inconclusive',
      reason: 'ProberFault',
    });
    const nameless = httpCheck(80, {}, { host: 'not a host' });
    expect(await probes.probe(nameless, forever)).toMatchObject({
      kind: 'inconclusive',
      reason: 'ProberFault',
    });
  });
});

it('a process without file descriptors does not blame the target', async () => {
  const listener = await listen();
  const program = `
    import { openSync } from 'node:fs';
    import { createProbes } from './src/probe/probes.ts';
    const { probe } = createProbes();
    try { for (;;) openSync('/dev/null'); } catch { /* none is left */ }
    const check = ${JSON.stringify(tcpCheck(listener.port))};
    const verdicts = [await probe(check, new AbortController().signal)];
    process.stdout.write(JSON.stringify(verdicts));`;
  const shell = 'ulimit -n 60; exec "$0" --input-type=module-typescript -e "$1"';
  const { stdout } = await promisify(execFile)('sh', ['-c', shell, process.execPath, program]);
  expect(JSON.parse(stdout)).toEqual([
    {
      kind: 'inconclusive',
      reason: 'ProberFault',
      message: expect.stringContaining('no file descriptors left'),
    },
  ]);
  await listener.stop();
});

describe('classifyErrno', () => {
  it.each([
    ['ECONNREFUSED', 'down', 'Refused'],
    ['EHOSTUNREACH', 'down', 'Unreachable'],
    ['ENETUNREACH', 'down', 'Unreachable'],
    ['ETIMEDOUT', 'down', 'Timeout'],
    ['ECONNRESET', 'down', 'Reset'],
    ['EPIPE', 'down', 'Reset'],
    ['EMFILE', 'inconclusive', 'ProberFault'],
    ['ENFILE', 'inconclusive', 'ProberFault'],
    ['ENOMEM', 'inconclusive', 'ProberFault'],
    ['ENOBUFS', 'inconclusive', 'ProberFault'],
    ['EADDRNOTAVAIL', 'inconclusive', 'ProberFault'],
    ['EAFNOSUPPORT', 'inconclusive', 'ProberFault'],
    ['EACCES', 'inconclusive', 'ProberFault'],
    ['EPERM', 'inconclusive', 'ProberFault'],
    ['ESOMETHING', 'inconclusive', 'ProberFault'],
  ])('%s is %s %s', (code, kind, reason) => {
    expect(classifyErrno(Object.assign(new Error('text'), { code }))).toMatchObject({ kind, reason });
  });

  it('an error without a code, and what is no error, are the prober’s fault', () => {
    for (const thrown of [new Error('x'), 'x', undefined, null, { code: 5 }]) {
      expect(classifyErrno(thrown)).toMatchObject({
        kind: 'inconclusive',
        message: 'unexpected error without a code',
      });
    }
  });

  it('a prober fault says what to do in full: no message is cut', () => {
    for (const code of ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EACCES']) {
      expect(classifyErrno({ code }).message).not.toMatch(/\.\.\.$/);
      expect(classifyErrno({ code }).message).not.toBe('');
    }
  });
});

describe('cleanMessage', () => {
  it('is always one line of at most 120 printable ASCII characters', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 400 })), (text) => {
        expect(cleanMessage(text)).toMatch(/^[\x20-\x7e]{0,120}$/);
        expect(verdict('down', 'Reset', text).message).toBe(cleanMessage(text));
      }),
    );
  });

  it('leaves a clean text as it is and shows where one was cut', () => {
    expect(cleanMessage('HTTP 503')).toBe('HTTP 503');
    expect(cleanMessage('x'.repeat(200))).toBe(`${'x'.repeat(117)}...`);
    expect(cleanMessage('two\r\nlines\u0000 é')).toBe('two lines? ?');
  });
});
