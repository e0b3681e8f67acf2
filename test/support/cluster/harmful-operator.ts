/** Starts the operator like src/main.ts, except that probe threads run test/worker/stalling-prober.ts. */
import process from 'node:process';

import { parseConfig } from '../../../src/config.ts';
import { createLogger } from '../../../src/logger.ts';
import { createOperator } from '../../../src/operator.ts';

const parsed = parseConfig(process.argv.slice(2), process.env);
if (parsed.kind !== 'config') throw new Error(`no configuration: ${parsed.kind}`);
const { config } = parsed;
const operator = createOperator({
  config,
  logger: createLogger({ level: config.logLevel }),
  ...{ instance: 'harmful', identity: `harmful_${process.pid}`, version: 'test' },
  nodeVersion: process.versions.node,
  proberProgram: new URL('../../worker/stalling-prober.ts', import.meta.url),
});
process.once('SIGTERM', () => void operator.stop().then(() => process.exit(0)));
await operator.start();
