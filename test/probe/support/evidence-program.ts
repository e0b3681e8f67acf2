import { createServer } from 'node:net';
import { argv } from 'node:process';

import type { Check, Handler } from '../../../src/core/probing/check.ts';
import { createProbes } from '../../../src/probe/probes.ts';
import { forever, tcpCheck } from './checks.ts';
import { portOf } from './listener.ts';

// Probes `ADDRESS` or `ADDRESS:PORT` with every handler that is given as JSON, all at once, and prints the verdicts by
// address: evidence-program.ts TIMEOUT HANDLERS ADDRESS... A listener that accepts and is silent is `mute`.

const [timeoutMs, handlers = '[]', ...addresses] = argv.slice(2);

const mute = createServer((socket) => socket.on('error', () => undefined).resume());
await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
const { probe, close } = createProbes();

function checkOf(address: string, handler: Handler): Check {
  const [ip = '', port = '5432'] =
    address === 'mute' ? ['127.0.0.1', String(portOf(mute))] : address.split(':');
  return { ...tcpCheck(Number(port), { ip, timeoutMs: Number(timeoutMs) }), handler };
}

const verdicts = await Promise.all(
  addresses.map(async (address) => {
    const all = (JSON.parse(handlers) as Handler[]).map((handler) =>
      probe(checkOf(address, handler), forever),
    );
    return [address, await Promise.all(all)] as const;
  }),
);
console.log(JSON.stringify(Object.fromEntries(verdicts)));
close();
process.exit(0);
