import type { Logger } from '../../src/engine/ports.ts';

/** Drops all that is logged. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
