/**
 * Probes one server of 127.0.0.1 with one handler as fast as it can, eight at a time. Prints JSON.
 *   node bench/handlers-probe.ts '{"handler": {"kind": "tcpSocket"}, "port": 5432, "seconds": 2}'
 * Without a handler it connects, ends and waits for the close, which is the least that Node can do.
 */
import { connect } from 'node:net';
import process from 'node:process';

import type { Check, Handler } from '../src/core/probing/check.ts';
import { createProbes } from '../src/probe/probes.ts';

const {
  handler,
  port,
  seconds,
  host = '127.0.0.1',
} = JSON.parse(process.argv[2] ?? '{}') as {
  readonly handler?: Handler;
  readonly port: number;
  readonly seconds: number;
  readonly host?: string;
};
const warmUpMs = 1_000;
const width = 8;
const { probe } = createProbes();
const forever = new AbortController().signal;
const timing = {
  initialDelayMs: 0,
  periodMs: 10_000,
  timeoutMs: 5_000,
  successThreshold: 1,
  failureThreshold: 3,
};
const ip = '127.0.0.1';
const one =
  handler === undefined ? bare : checked({ id: '', ip, family: 'IPv4', port, host, handler, timing });
let probes = 0;

function bare(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port });
    socket.on('connect', () => socket.end());
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });
}

function checked(check: Check): () => Promise<void> {
  return async () => {
    const { kind, reason, message } = await probe(check, forever);
    if (kind === 'up') return;
    console.error(`${check.handler.kind} is ${kind} ${reason} ${message}: the figure is invalid`);
    process.exit(1);
  };
}

async function lane(): Promise<void> {
  for (;;) {
    await one();
    probes += 1;
  }
}

for (let i = 0; i < width; i++) void lane();
setTimeout(() => {
  const warm = probes;
  const cpu = process.cpuUsage();
  setTimeout(() => {
    const { user, system } = process.cpuUsage(cpu);
    const cpuMicros = (user + system) / (probes - warm);
    console.log(JSON.stringify({ cpuMicros, perSecond: (probes - warm) / seconds, probes }));
    process.exit(0);
  }, seconds * 1_000);
}, warmUpMs);
