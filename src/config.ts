import { parseArgv } from './config/argv.ts';
import { options } from './config/options.ts';
import type { Option } from './config/options.ts';
import { helpText } from './config/reference.ts';
import { configSchema } from './config/schema.ts';
import type { Config } from './config/schema.ts';

export type { Config } from './config/schema.ts';
export type { DnsServer, ListenAddress } from './config/values.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export type ParsedConfig =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'error'; readonly message: string };

/**
 * Parses flags and environment to one frozen Config. The message of an error has one line for each mistake, with the flag (or
 * the variable that contains the value) and the fix. Unknown variables are ignored, because Kubernetes sets many in a pod,
 * for example those of a Service named `external-backend-…`.
 */
export function parseConfig(argv: readonly string[], env: Env): ParsedConfig {
  if (argv.includes('--help')) return { kind: 'help', text: helpText() };
  if (argv.includes('--version')) return { kind: 'version' };
  const all = options();
  const flags = parseArgv(argv, all);
  if (!flags.ok) return { kind: 'error', message: flags.message };
  const settings = all.map((option) => ({ option, ...lookUp(option, flags.values, env) }));
  const given = settings
    .filter(({ value }) => value !== undefined)
    .map(({ option, value }) => [option.key, value]);
  const result = configSchema.safeParse(Object.fromEntries(given));
  if (result.success) return { kind: 'config', config: deepFreeze(result.data) };
  const lines = result.error.issues.map(({ path, message }) => {
    const setting = settings.find(({ option }) => option.key === path[0]);
    const value = setting?.value === undefined ? '' : ` (now "${setting.value}")`;
    return `${setting?.source ?? 'configuration'} ${message}${value}`;
  });
  return { kind: 'error', message: lines.join('\n') };
}

interface Setting {
  readonly value: string | undefined;
  /** The flag or variable that contains the value, as the user writes it. */
  readonly source: string;
}

function lookUp(option: Option, flags: ReadonlyMap<string, string>, env: Env): Setting {
  const flag = `--${option.flag}`;
  const written = flags.get(option.key);
  if (written !== undefined) return { value: written, source: flag };
  const name = option.env.find((each) => (env[each] ?? '') !== '');
  return name === undefined ? { value: undefined, source: flag } : { value: env[name], source: name };
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object);
  return Object.freeze(value);
}
