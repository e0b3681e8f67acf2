import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { createLogger } from './logger.ts';
import { createOperator } from './operator.ts';
import { parseConfig, type Config } from './config.ts';
import { version } from './version.ts';

/** Returns the exit code: 0 after a signal to stop or with --help, 1 after a fatal error, 2 with bad flags. */
async function main(): Promise<number> {
  const parsed = parseConfig(process.argv.slice(2), process.env);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(parsed.text);
      return 0;
    case 'version':
      process.stdout.write(`${version}\n`);
      return 0;
    case 'error':
      process.stderr.write(`${parsed.message}\n`);
      return 2;
    case 'config':
      return run(parsed.config);
  }
}

async function run(config: Config): Promise<number> {
  const logger = createLogger({ level: config.logLevel });
  const fatal = Promise.withResolvers<number>();
  const die = (error: unknown): void => {
    logger.error('fatal', { error });
    fatal.resolve(1);
  };
  process.on('uncaughtException', die).on('unhandledRejection', die);
  const asked = new Promise<number>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(0));
  });
  const instance = config.identity ?? hostname();
  const operator = createOperator({
    config,
    logger,
    instance,
    // Unique, because two processes with the same name (host network, a wrong POD_NAME) must not share the Lease.
    identity: `${instance}_${randomUUID()}`,
    version,
    nodeVersion: process.versions.node,
  });
  logger.info('starting', { version, node: process.versions.node });
  operator.start().catch(die);
  const code = await Promise.race([asked, fatal.promise]);
  logger.info('stopping', { code });
  await Promise.race([operator.stop(), deadline(config.shutdownTimeout + 5_000)]);
  return code;
}

const deadline = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

process.exit(await main());
