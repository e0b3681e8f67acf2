import { pino } from 'pino';
import type { LogFields, Logger } from './util/log.ts';

export interface LoggerOptions {
  readonly level: keyof Logger;
  /** Receives the lines; each ends with a newline. Default: standard output, written synchronously, so that nothing is lost at exit. */
  readonly destination?: { write(line: string): void };
}

const maxDepth = 6;
/** The text of an error may quote what a server sent. */
const maxLength = 8_192;
const secretName = /pass(word|wd|phrase)?$|token|secret|authorization|cookie|credential|private.?key/i;
/** Names of objects that contain secrets are no secrets. */
const harmless = /(name|namespace|ref)$/i;

/** Creates a logger that writes one JSON object per line: time (ISO 8601), level as a word, msg, fields. */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const lines = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
  const write = (method: keyof Logger) => (message: string, fields?: LogFields) => {
    if (!lines.isLevelEnabled(method)) return;
    lines[method](fields === undefined ? {} : presentable(fields, 0), message);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/**
 * Returns the value in a form that may be written: without credentials, errors as their messages and causes, texts cut to
 * 8,192 characters, and of a bounded depth.
 */
function presentable(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'string') return bounded(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= maxDepth) return '…';
  if (value instanceof Error) return presentableError(value, depth);
  if (Array.isArray(value)) return value.map((item: unknown) => presentable(item, depth + 1));
  if (value instanceof Date) return value.toISOString();
  const pairs =
    value instanceof Map
      ? [...value].map(([key, item]) => [String(key), item] as const)
      : Object.entries(value);
  return Object.fromEntries(
    pairs.map(([key, item]) => [key, isSecret(key) ? '[redacted]' : presentable(item, depth + 1)]),
  );
}

const isSecret = (key: string): boolean => secretName.test(key) && !harmless.test(key);

const bounded = (text: string): string =>
  text.length <= maxLength ? text : `${text.slice(0, maxLength)}… (${text.length} characters)`;

/** Includes the stack only of an error without a reason (of the operator) or a code (of Node): it is a fault of the operator. */
function presentableError(error: Error, depth: number): unknown {
  const { name, message, stack, cause } = error;
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    name,
    message: bounded(message),
    ...(reason === undefined ? {} : { reason }),
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined && code === undefined ? { stack: stack && bounded(stack) } : {}),
    ...(cause === undefined ? {} : { cause: presentable(cause, depth + 1) }),
  };
}
