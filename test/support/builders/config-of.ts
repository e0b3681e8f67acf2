import { parseConfig } from '../../../src/config.ts';
import type { Config, Env } from '../../../src/config.ts';

/** Returns the configuration. Throws the message if the arguments or variables are wrong. */
export function configOf(argv: readonly string[], env: Env = {}): Config {
  const parsed = parseConfig(argv, env);
  if (parsed.kind !== 'config') throw new Error(JSON.stringify(parsed));
  return parsed.config;
}

/** Returns the message about wrong arguments or variables. */
export function messageOf(argv: readonly string[], env: Env = {}): string {
  const parsed = parseConfig(argv, env);
  return parsed.kind === 'error' ? parsed.message : `no error but ${parsed.kind}`;
}
