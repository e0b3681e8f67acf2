import { describe, expect, it } from '@jest/globals';
import type { Handler } from '../../../src/core/probing/check.ts';
import { CpuMeter } from '../../../src/probe/connection/cpu-meter.ts';
import { useProbes } from '../support/use-probes.ts';
import { systemThreadCpu } from '../../../src/system-clock.ts';
import { beginTls } from '../../support/hostile/begin-tls.ts';
import type { Prelude } from '../../support/hostile/begin-tls.ts';
import { createCostlyChain } from '../../support/hostile/costly-chain.ts';
import { tlsHandlers } from '../../support/hostile/table.ts';
import type { Certificate } from '../support/certificates.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { useAuthority, useListeners } from '../support/resources.ts';

const up = { kind: 'up', reason: 'Connected', message: '' } as const;

/** Computes for so many milliseconds of CPU time. */
function compute(ms: number): void {
  const end = systemThreadCpu() + ms;
  while (systemThreadCpu() < end);
}

describe('CpuMeter', () => {
  it('adds up what the readers of a run take', () => {
    const meter = new CpuMeter(systemThreadCpu);
    for (let n = 0; n < 3; n++) meter.measure(() => compute(10));
    expect(meter.spentMs).toBeGreaterThan(15);
    expect(meter.charge(up).cpuMs).toBe(meter.spentMs);
  });

  it('counts what a reader took that throws', () => {
    const meter = new CpuMeter(systemThreadCpu);
    const broken = () => {
      compute(10);
      throw new Error('broken');
    };
    expect(() => meter.measure(broken)).toThrow('broken');
    expect(meter.spentMs).toBeGreaterThan(5);
  });

  it('counts no time in which the thread did not have the CPU', () => {
    const meter = new CpuMeter(systemThreadCpu);
    const nobody = new Int32Array(new SharedArrayBuffer(4));
    meter.measure(() => Atomics.wait(nobody, 0, 0, 50));
    expect(meter.spentMs).toBeLessThan(25);
  });

  it('charges a run that took less than the notable time with nothing', () => {
    const meter = new CpuMeter(() => 0);
    meter.measure(() => undefined);
    expect(meter.charge(up)).toBe(up);
  });

  it('counts no more than the wall time, where the kernel updates the CPU time in jumps', () => {
    let jumps = 0;
    const meter = new CpuMeter(() => (jumps += 1_000));
    meter.measure(() => compute(10));
    expect(meter.spentMs).toBeLessThan(1_000);
  });
});

describe('The CPU time of a probe', () => {
  const authority = useAuthority();
  const costly = createCostlyChain(30);
  const probes = useProbes({ cpuNow: systemThreadCpu });
  const listen = useListeners();
  const handlers: typeof tlsHandlers = [
    ['tls that verifies', 'none', { kind: 'tls', tls: {} }],
    ...tlsHandlers,
  ];

  /** Runs one probe. The server answers nothing inside TLS, so most end at their timeout. */
  async function ask(prelude: Prelude, handler: Handler, certificate: Certificate) {
    const listener = await listen({ onConnection: (socket) => beginTls(socket, prelude, certificate) });
    return probes.probe(tcpCheck(listener.port, { handler, timeoutMs: 1_500 }), forever);
  }

  it.each(handlers)('contains a chain of 31 costly certificates: %s', async (_, prelude, handler) => {
    const { cpuMs } = await ask(prelude, handler, costly);
    expect(cpuMs).toBeGreaterThan(20);
  });

  it.each(handlers)('is not notable with a usual certificate: %s', async (_, prelude, handler) => {
    const usual = authority.issue('IP:127.0.0.1');
    // The first run also loads code. Of the others the least counts, because a collection of garbage is no cost of a run.
    await ask(prelude, handler, usual);
    const runs = [await ask(prelude, handler, usual), await ask(prelude, handler, usual)];
    expect(Math.min(...runs.map(({ cpuMs = 0 }) => cpuMs))).toBeLessThan(20);
  });
});
