import { describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { useProbes } from './support/use-probes.ts';
import { flood, letters } from '../support/hostile/floods.ts';
import { attacks, protocolCases, tlsCases } from '../support/hostile/table.ts';
import type { HostileCase } from '../support/hostile/table.ts';
import { forever, tcpCheck } from './support/checks.ts';
import { foreignHandlers } from './support/foreign-handlers.ts';
import { greeting, packet } from './support/mysql-bytes.ts';
import { useAuthority, useListeners } from './support/resources.ts';

const authority = useAuthority();
const certificate = authority.issueRsa();
const probes = useProbes();
const listen = useListeners();

/** What the kernels of both sides may hold of a connection that nobody reads. */
const maxInKernels = 16 * 1024 * 1024;
/**
 * Far more than a probe and its server, which floods in the same process, take on a busy machine, and far less than a key of
 * 2,147,483,647 iterations.
 */
const maxCpuMs = 10_000;

/** Probes the server once. Returns once the connections are closed; a slow server may be waited for behind the verdict. */
async function probe({ handler, serve, isSlow }: Pick<HostileCase, 'handler' | 'serve' | 'isSlow'>) {
  const sockets: Socket[] = [];
  const serveOne = serve(certificate);
  const listener = await listen({
    onConnection: (socket) => {
      socket.setNoDelay(true);
      sockets.push(socket);
      serveOne(socket);
    },
  });
  const before = process.cpuUsage();
  const check = tcpCheck(listener.port, { handler, timeoutMs: isSlow ? 400 : 5_000 });
  const verdict = await probes.probe(check, forever);
  if (!isSlow) await listener.closed(listener.accepted());
  const { user, system } = process.cpuUsage(before);
  return {
    ...{ verdict, cpuMs: (user + system) / 1_000 },
    taken: Math.max(...sockets.map((socket) => socket.bytesWritten)),
  };
}

async function expectBounded(hostile: HostileCase): Promise<void> {
  const { kind, reason, message = '' } = hostile.expected;
  const { verdict, taken, cpuMs } = await probe(hostile);
  expect(verdict).toMatchObject({ kind, reason: expect.stringMatching(new RegExp(`^${reason}$`)) });
  // Records of TLS have bytes and a bound of their own.
  const others = hostile.isSecure && reason === 'WrongProtocol' ? [' KiB', ' TLS records', ' pieces'] : [];
  expect([message, ...others].filter((text) => verdict.message.includes(text))).not.toEqual([]);
  expect(taken).toBeLessThan(maxInKernels);
  expect(cpuMs).toBeLessThan(maxCpuMs);
}

const byName = (cases: readonly HostileCase[]) => cases.map((one) => [one.name, one] as const);

describe('A hostile server costs the probe no more than its bounds', () => {
  it.each(byName(protocolCases))('%s', (_, hostile) => expectBounded(hostile));
});

describe('A hostile server of TLS costs the probe of any protocol no more than its bounds', () => {
  it.each(byName(tlsCases))('%s', (_, hostile) => expectBounded(hostile));
});

it('Each class of attack that a protocol does not have names the reason', () => {
  const reasons = Object.values(attacks).flatMap((table) =>
    Object.values<object>(table).filter((of) => 'none' in of),
  );
  expect(reasons).not.toContainEqual({ none: '' });
});

it('A server that answers a login behind the verdict is left after 4 KiB', async () => {
  const listener = await listen({
    onConnection: (socket) => {
      socket.write(greeting());
      socket.once('data', () =>
        setTimeout(() => flood(socket, packet(2, [0xfe], letters.subarray(0, 60))), 700),
      );
    },
  });
  const handler = { kind: 'mysql', saturatedIs: 'inconclusive' } as const;
  const verdict = await probes.probe(tcpCheck(listener.port, { handler, timeoutMs: 400 }), forever);
  expect(verdict).toMatchObject({ kind: 'down', reason: 'Timeout' });
  await listener.closed(1);
});

const all = Object.entries(foreignHandlers).flatMap(([kind, handlers]) =>
  handlers.map((handler, index) => [`${kind} ${String(index + 1)}`, handler] as const),
);

describe('A server that sends letters from the beginning is left', () => {
  it.each(all)('by %s', async (_, handler) => {
    const serve = () => (socket: Socket) => flood(socket, letters);
    const { verdict, taken } = await probe({ handler, serve, isSlow: false });
    expect(verdict.kind).toBe('down');
    expect(verdict.reason).not.toBe('Timeout');
    expect(taken).toBeLessThan(maxInKernels);
  });
});
