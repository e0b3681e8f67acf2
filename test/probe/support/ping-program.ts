import { readdirSync } from 'node:fs';
import { argv } from 'node:process';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createIcmp } from '../../../src/probe/icmp/icmp.ts';
import { forever, icmpCheck } from './checks.ts';

// Pings the addresses that are given, many at once, and prints the verdicts and how many descriptors that left open, as JSON:
// ping-program.ts (main|worker) TIMEOUT ADDRESS...

const [where, timeoutMs, ...addresses] = argv.slice(2);

const descriptors = (): number => readdirSync('/proc/self/fd').length;

async function ping(): Promise<object> {
  const icmp = createIcmp();
  const ask = (ip: string) => icmp.probe(icmpCheck(ip, { timeoutMs: Number(timeoutMs) }), forever);
  await ask('127.0.0.1'); // loads what is needed
  const before = descriptors();
  const verdicts = await Promise.all(addresses.map(ask));
  const left = descriptors() - before;
  icmp.close();
  return { verdicts, left };
}

if (isMainThread && where === 'worker') {
  new Worker(new URL(import.meta.url), { argv: argv.slice(2) }).on('message', (text: string) =>
    console.log(text),
  );
} else {
  const text = JSON.stringify(await ping());
  if (parentPort === null) console.log(text);
  else parentPort.postMessage(text);
}
