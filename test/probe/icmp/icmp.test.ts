import { afterEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { createIcmp } from '../../../src/probe/icmp/icmp.ts';
import type { IcmpOptions } from '../../../src/probe/icmp/icmp.ts';
import { forever, icmpCheck } from '../support/checks.ts';
import { echo, fakePing, ipv4 } from '../support/fake-ping.ts';
import { responded } from '../../support/builders/verdicts.ts';

const inSupport = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url));
const unreachable = { kind: 'down', reason: 'Unreachable', message: '', isUnreached: true };
const late = { kind: 'down', reason: 'Timeout', message: 'no echo reply within 0.3 s', isUnreached: true };
const refused = {
  kind: 'inconclusive',
  reason: 'ProberFault',
  message:
    "icmp needs the operator's group in net.ipv4.ping_group_range (config/components/icmp), or CAP_NET_RAW",
};

interface Pinged {
  readonly verdicts: readonly Verdict[];
  /** Descriptors that are open behind the last verdict. */
  readonly left: number;
}

/** Pings in a network of its own, without any capability, whose ping sockets are for these groups. */
async function pingAs(groups: string, where: string, ...addresses: readonly string[]): Promise<Pinged> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', inSupport('ping-program.ts')];
  const { stdout } = await promisify(execFile)(inSupport('ping-namespace.sh'), [
    groups,
    ...node,
    ...[where, '300', ...addresses],
  ]);
  return JSON.parse(stdout) as Pinged;
}

describe.each(['main', 'worker'])('icmp in a %s thread, without any capability', (where) => {
  it('pings where the kernel lets the group use datagram sockets', async () => {
    const addresses: readonly (readonly [ip: string, verdict: object])[] = [
      ['127.0.0.1', responded],
      ['::1', responded],
      ['10.8.8.2', responded],
      ['fd00:8::2', responded],
      ['10.8.8.9', late],
      ['10.9.9.1', unreachable],
      // A router prohibits these two, and has no way to the third, which the kernel reports to no such socket.
      ['10.6.6.1', unreachable],
      ['fd00:6::1', unreachable],
      ['10.7.7.1', late],
    ];
    const { verdicts, left } = await pingAs('0 0', where, ...addresses.map(([ip]) => ip));
    expect(verdicts).toEqual(addresses.map(([, verdict]) => verdict));
    expect(left).toBe(0);
  });

  it('answers 500 pings of both families at once, and leaves no descriptor open', async () => {
    const addresses = Array.from({ length: 500 }, (_, index) => (index % 2 === 0 ? '127.0.0.1' : '::1'));
    const { verdicts, left } = await pingAs('0 0', where, ...addresses);
    expect(verdicts).toEqual(addresses.map(() => responded));
    expect(left).toBe(0);
  });

  it('names the sysctl where the kernel does not', async () => {
    const { verdicts } = await pingAs('1 0', where, '127.0.0.1', '::1');
    expect(verdicts).toEqual([refused, refused]);
  });
});

describe('icmp with and without datagram sockets', () => {
  const opened: { close(): void }[] = [];
  afterEach(() => {
    for (const icmp of opened.splice(0)) icmp.close();
  });

  /** The verdict on 10.0.0.1, whose raw socket gets a reply as soon as it is opened. */
  async function ping(addon: NonNullable<IcmpOptions['addon']>) {
    const fake = fakePing();
    const icmp = createIcmp({ addon, load: () => Promise.resolve(fake.library) });
    opened.push(icmp);
    const running = icmp.probe(icmpCheck('10.0.0.1'), forever);
    await new Promise((resolve) => setImmediate(resolve));
    const [session] = fake.sessions;
    session?.socket.emit(
      'message',
      ipv4(echo(0, session.sessionId, Number(Object.keys(session.reqs)[0]))),
      '10.0.0.1',
    );
    return { verdict: await running, isRaw: session !== undefined };
  }

  const { EACCES, EPERM, EPROTONOSUPPORT, EMFILE, EAFNOSUPPORT } = constants.errno;

  it.each([
    ['the group has no right to one', EACCES],
    ['a filter of system calls forbids it', EPERM],
    ['the kernel has none', EPROTONOSUPPORT],
  ])('uses a raw socket where %s', async (_, errno) => {
    expect(await ping(() => ({ open: () => -errno }))).toEqual({ verdict: responded, isRaw: true });
  });

  it('uses a raw socket where the addon cannot be loaded', async () => {
    const missing = () => {
      throw new Error('no such file');
    };
    expect(await ping(missing)).toEqual({ verdict: responded, isRaw: true });
  });

  it.each([
    ['no descriptor is left', EMFILE, /no file descriptors left/],
    ['the pod has no network of the family', EAFNOSUPPORT, /no network for this IP family/],
  ])('is the prober’s fault where %s', async (_, errno, message) => {
    expect(await ping(() => ({ open: () => -errno }))).toMatchObject({
      verdict: { kind: 'inconclusive', reason: 'ProberFault', message: expect.stringMatching(message) },
      isRaw: false,
    });
  });

  it('never asks an IPv6 address over IPv4', async () => {
    const icmp = createIcmp();
    opened.push(icmp);
    const verdict = await icmp.probe(icmpCheck('::1', { family: 'IPv4' }), forever);
    expect(verdict).toMatchObject({ kind: 'inconclusive', reason: 'ProberFault' });
  });
});
