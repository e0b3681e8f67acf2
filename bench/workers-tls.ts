/**
 * Measures probing alone, of TLS servers of 127.0.3.0/24, as fast as it can. Prints JSON.
 *   node bench/workers-tls.ts '{"port": 5433, "servers": 8, "workers": 2, "seconds": 5, "tls": {"ca": "PEM"}}'
 */
import process from 'node:process';

import type { TlsOptions } from '../src/core/probing/check.ts';
import { runEngine } from './engine-run.ts';

const { port, servers, workers, seconds, tls } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly port: number;
  readonly servers: number;
  readonly workers: number;
  readonly seconds: number;
  readonly tls: TlsOptions;
};
const { probes, failed, ...measured } = await runEngine({
  targets: 3_000,
  address: (n) => `127.0.3.${(n % servers) + 1}`,
  host: (n) => `n${n}.db.example`,
  port,
  handler: { kind: 'tls', tls },
  periodMs: 1_000,
  timeoutMs: 1_000,
  ...{ seconds, workers },
});
console.log(JSON.stringify({ ...measured, failed, perSecond: probes / seconds }));
process.exit(0);
