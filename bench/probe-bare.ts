/** The least that Node can do: connects, ends and waits for the close. Prints JSON like probe-engine.ts. */
import { connect } from 'node:net';
import process from 'node:process';

import { address, port } from './targets.ts';

const seconds = 5;
let probes = 0;
let next = 0;

function one(): void {
  const socket = connect({ host: address(next++ % 3_000), port });
  socket.on('connect', () => socket.end());
  socket.on('error', () => undefined);
  socket.on('close', () => {
    probes += 1;
    one();
  });
  socket.resume();
}

for (let i = 0; i < 50; i++) one();
const cpu = process.cpuUsage();
setTimeout(() => {
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ probes, cpuMicrosPerProbe: (user + system) / probes }));
  process.exit(0);
}, seconds * 1_000);
