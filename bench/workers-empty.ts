/** Measures the memory that four probe threads add to this process, per thread. Prints JSON. */
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

import { RunBoard } from '../src/engine/workers/run-board.ts';
import { RunTally } from '../src/engine/probing/run-tally.ts';
import { createSpawnThread } from '../src/worker/spawn-thread.ts';

const threads = 4;
const spawn = createSpawnThread(new URL('../dist/prober.js', import.meta.url));
const limits = { maxConcurrent: 4096, maxPerHost: 8, maxPerHostAndNamespace: 2 };
const start = () =>
  spawn({
    ...{ name: 'bench', limits, onReport: () => undefined, onEnd: () => undefined },
    memory: {
      tally: new SharedArrayBuffer(RunTally.bytes),
      board: new SharedArrayBuffer(RunBoard.bytesFor(limits.maxConcurrent)),
    },
  });
start(); // The first thread alone costs memory that all share: code pages.
await pause(2_000);
const before = process.memoryUsage().rss;
for (let n = 0; n < threads; n++) start();
await pause(3_000);
console.log(JSON.stringify({ mb: (process.memoryUsage().rss - before) / threads / 2 ** 20 }));
process.exit(0);
