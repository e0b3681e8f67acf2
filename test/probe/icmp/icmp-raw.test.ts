import { afterEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { createRawIcmp } from '../../../src/probe/icmp/icmp-raw.ts';
import { forever, icmpCheck } from '../support/checks.ts';
import { echo, fakePing, icmpError, ipv4, ipv6 } from '../support/fake-ping.ts';
import type { FakeSession } from '../support/fake-ping.ts';
import { responded } from '../../support/builders/verdicts.ts';

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const icmp of opened.splice(0)) icmp.close();
});

function start(...args: Parameters<typeof createRawIcmp>) {
  const icmp = createRawIcmp(...args);
  opened.push(icmp);
  return icmp;
}

const noCapability = {
  kind: 'inconclusive',
  reason: 'ProberFault',
  message:
    "icmp needs the operator's group in net.ipv4.ping_group_range (config/components/icmp), or CAP_NET_RAW",
};

/** Bit 13 of the effective set, capabilities(7). */
function hasNetRaw(): boolean {
  const set = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${set}`) >> 13n) & 1n) === 1n;
}

/** Where these tests run without the capability, they see what users without it see. */
const onLoopback: object = hasNetRaw() ? responded : noCapability;

describe('icmp by a raw socket on loopback', () => {
  it.each(['127.0.0.1', '::1'])('%s answers', async (ip) => {
    expect(await start().probe(icmpCheck(ip), forever)).toEqual(onLoopback);
  });

  it('answers 500 probes of both families at once', async () => {
    const icmp = start();
    const checks = Array.from({ length: 500 }, (_, index) =>
      icmpCheck(index % 2 === 0 ? '127.0.0.1' : '::1'),
    );
    const verdicts = await Promise.all(checks.map((check) => icmp.probe(check, forever)));
    expect(verdicts).toEqual(checks.map(() => onLoopback));
  });

  it('never asks an IPv6 address over IPv4', async () => {
    const verdict = await start().probe(icmpCheck('::1', { family: 'IPv4' }), forever);
    expect(verdict).toMatchObject({ kind: 'inconclusive', reason: 'ProberFault' });
  });

  it('works again after close', async () => {
    const icmp = start();
    await icmp.probe(icmpCheck('127.0.0.1'), forever);
    icmp.close();
    expect(await icmp.probe(icmpCheck('127.0.0.1'), forever)).toEqual(onLoopback);
  });
});

it('without CAP_NET_RAW the verdict is inconclusive and says what to do', () => {
  const program = `
    import { createRawIcmp } from './src/probe/icmp/icmp-raw.ts';
    const check = ${JSON.stringify(icmpCheck('127.0.0.1'))};
    console.log(JSON.stringify(await createRawIcmp().probe(check, new AbortController().signal)));`;
  const node = [process.execPath, '--input-type=module-typescript', '-e', program];
  const drop = hasNetRaw()
    ? ['setpriv', '--inh-caps=-net_raw', '--ambient-caps=-net_raw', '--bounding-set=-net_raw']
    : [];
  const [command = '', ...args] = [...drop, ...node];
  const output = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  expect(JSON.parse(output)).toEqual(noCapability);
});

describe('an echo request', () => {
  /** Starts a probe of 10.0.0.1 or 2001:db8::1 on a session that sends nothing, and gives hold of that session. */
  async function asked(ip: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
    const fake = fakePing();
    const icmp = start({ load: () => Promise.resolve(fake.library) });
    const running = icmp.probe(
      icmpCheck(ip, { timeoutMs: options.timeoutMs ?? 1_000 }),
      options.signal ?? forever,
    );
    await settled();
    const session = fake.sessions[0];
    if (session === undefined) throw new Error('no session was opened');
    const sequence = Number(Object.keys(session.reqs)[0]);
    return {
      fake,
      icmp,
      running,
      session,
      sequence,
      receive: (data: Buffer, from: string) => session.socket.emit('message', data, from),
    };
  }

  async function settled(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  async function isPending(running: Promise<Verdict>): Promise<boolean> {
    return (await Promise.race([running, settled().then(() => 'pending')])) === 'pending';
  }

  it('does not believe a reply of another address', async () => {
    const { running, session, sequence, receive } = await asked('10.0.0.1');
    receive(ipv4(echo(0, session.sessionId, sequence)), '127.0.0.1');
    expect(await isPending(running)).toBe(true);
    receive(ipv4(echo(0, session.sessionId, sequence)), '10.0.0.1');
    expect(await running).toEqual(responded);
  });

  it('believes the address in whatever text the check has it', async () => {
    const { running, session, sequence, receive } = await asked('2001:DB8:0:0::1');
    receive(echo(129, session.sessionId, sequence), '2001:db8::2');
    expect(await isPending(running)).toBe(true);
    receive(echo(129, session.sessionId, sequence), '2001:db8::1');
    expect(await running).toEqual(responded);
  });

  it('is not answered by what is meant for others, by itself, or by noise', async () => {
    const { running, session, sequence, receive } = await asked('10.0.0.1');
    const id = session.sessionId;
    receive(ipv4(echo(0, id === 7 ? 8 : 7, sequence)), '10.0.0.1');
    receive(ipv4(echo(0, id, sequence + 1)), '10.0.0.1');
    receive(ipv4(echo(8, id, sequence)), '10.0.0.1');
    receive(ipv4(echo(5, id, sequence)), '10.0.0.1');
    for (const noise of [Buffer.alloc(0), Buffer.from([0x45]), Buffer.alloc(24), Buffer.alloc(64, 0xff)])
      receive(noise, '10.0.0.1');
    expect(await isPending(running)).toBe(true);
    receive(ipv4(echo(0, id, sequence)), '10.0.0.1');
    expect(await running).toEqual(responded);
  });

  it.each([3, 11])(
    'is down at an ICMP error of type %i about it, and at none about another address',
    async (type) => {
      const { running, session, sequence, receive } = await asked('10.0.0.1');
      const about = (last: number) =>
        ipv4(icmpError(type, ipv4(echo(8, session.sessionId, sequence), [10, 0, 0, last])));
      receive(about(2), '10.0.0.254');
      expect(await isPending(running)).toBe(true);
      receive(about(1), '10.0.0.254');
      expect(await running).toMatchObject({ kind: 'down', reason: 'Unreachable' });
      expect(session.reqsPending).toBe(0);
    },
  );

  it.each([1, 3])(
    'is down at an ICMPv6 error of type %i about it, and at none about another address',
    async (type) => {
      const { running, session, sequence, receive } = await asked('2001:db8::1');
      const about = (last: number) => icmpError(type, ipv6(echo(128, session.sessionId, sequence), last));
      receive(about(2), '2001:db8::fe');
      expect(await isPending(running)).toBe(true);
      receive(about(1), '2001:db8::fe');
      expect(await running).toMatchObject({ kind: 'down', reason: 'Unreachable' });
    },
  );

  it('that is never sent is down at the timeout all the same', async () => {
    const { running } = await asked('10.0.0.1', { timeoutMs: 30 });
    expect(await running).toMatchObject({ kind: 'down', reason: 'Timeout' });
  });

  it('ends at once when cancelled', async () => {
    const controller = new AbortController();
    const { running } = await asked('10.0.0.1', { timeoutMs: 60_000, signal: controller.signal });
    controller.abort();
    expect(await running).toMatchObject({ kind: 'inconclusive', reason: 'Cancelled' });
  });

  it('is the prober’s fault when the socket fails, and the next one has a new socket', async () => {
    const { fake, icmp, running, session } = await asked('10.0.0.1');
    session.emit('error', new Error('boom'));
    expect(await running).toMatchObject({
      kind: 'inconclusive',
      reason: 'ProberFault',
      message: 'the ICMP socket failed',
    });
    expect(session.isClosed).toBe(true);
    const next = icmp.probe(icmpCheck('10.0.0.1'), forever);
    await settled();
    const renewed = fake.sessions[1];
    renewed?.socket.emit('message', ipv4(echo(0, renewed.sessionId, 2)), '10.0.0.1');
    expect(await next).toEqual(responded);
  });

  it.each([
    ['Network is unreachable', 'down', 'Unreachable'],
    ['No route to host', 'down', 'Unreachable'],
    ['Host is unreachable', 'down', 'Unreachable'],
    ['Request timed out', 'inconclusive', 'ProberFault'],
    ['Operation not permitted', 'inconclusive', 'ProberFault'],
    ['No buffer space available', 'inconclusive', 'ProberFault'],
  ])('that the kernel refuses with "%s" is %s %s', async (text, kind, reason) => {
    const { running, session, sequence } = await asked('10.0.0.1');
    session.reqRemove(sequence)?.callback(new Error(text), '10.0.0.1', new Date(0), new Date(0));
    expect(await running).toMatchObject({ kind, reason });
  });

  it('is not sent where too many are in flight', async () => {
    const { icmp, session } = await asked('10.0.0.1');
    fill(session, 16_384);
    expect(await icmp.probe(icmpCheck('10.0.0.2'), forever)).toMatchObject({
      kind: 'inconclusive',
      reason: 'ProberFault',
    });
  });
});

function fill(session: FakeSession, count: number): void {
  for (let index = session.reqsPending; index < count; index += 1)
    session.pingHost('10.0.0.9', () => undefined);
}

it('sessions are shared: one per family', async () => {
  const fake = fakePing();
  const icmp = start({ load: () => Promise.resolve(fake.library) });
  const ips = ['10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:db8::2'];
  const running = ips.map((ip) => icmp.probe(icmpCheck(ip, { timeoutMs: 20 }), forever));
  await Promise.all(running);
  expect(fake.sessions.map((session) => session.options.networkProtocol)).toEqual([1, 2]);
});

it('an addon that cannot be loaded is the prober’s fault', async () => {
  const icmp = start({ load: () => Promise.reject(new Error('wrong ABI')) });
  expect(await icmp.probe(icmpCheck('127.0.0.1'), forever)).toMatchObject({
    kind: 'inconclusive',
    reason: 'ProberFault',
  });
});

it('the addon is not loaded before the first icmp probe', async () => {
  let loads = 0;
  const fake = fakePing();
  const icmp = start({
    load: () => {
      loads += 1;
      return Promise.resolve(fake.library);
    },
  });
  expect(loads).toBe(0);
  await Promise.all(
    [1, 2].map((last) => icmp.probe(icmpCheck(`10.0.0.${String(last)}`, { timeoutMs: 10 }), forever)),
  );
  expect(loads).toBe(1);
});
