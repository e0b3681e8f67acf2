/**
 * Measures probing alone, of 3,000 PostgreSQL targets of 127.0.0.0/8 every 10 s. Prints JSON.
 *   node bench/postgres-engine.ts PORT KIND SECONDS, where KIND is postgres or tcpSocket
 */
import process from 'node:process';

import { runEngine } from './engine-run.ts';

const [port = 0, seconds = 0] = [process.argv[2], process.argv[4]].map(Number);
const { probes, ...measured } = await runEngine({
  targets: 3_000,
  address: (n) => `127.1.${n >> 8}.${n & 255}`,
  port,
  handler:
    process.argv[3] === 'tcpSocket'
      ? { kind: 'tcpSocket' }
      : { kind: 'postgres', sslMode: 'prefer', saturatedIs: 'inconclusive' },
  periodMs: 10_000,
  timeoutMs: 5_000, // long, because the servers use the same cores
  seconds,
});
console.log(JSON.stringify({ ...measured, perSecond: probes / seconds }));
process.exit(0);
