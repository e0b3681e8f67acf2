/** Starts the operator like src/main.ts, except that SIGUSR2 stalls the event loop of the main thread for four seconds. */
import process from 'node:process';

const stallMs = 4_000;
process.on('SIGUSR2', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs));
await import('../../../src/main.ts');
