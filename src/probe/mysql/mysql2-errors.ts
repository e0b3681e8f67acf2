import type { MysqlError } from '../mysql-wire/mysql-packets.ts';
import type { Row } from './mysql-state.ts';

/** Returns the number of an error of the server; 0: it has none. */
export function errorNumber(error: unknown): number {
  return typeof error === 'object' && error !== null && 'errno' in error ? Number(error.errno) : 0;
}

function textOf(error: unknown, property = 'sqlMessage'): string {
  const value = typeof error === 'object' && error !== null ? (error as Row)[property] : undefined;
  return typeof value === 'string' ? value : '';
}

/** Returns an error of the server from an error of mysql2. */
export function serverError(error: unknown): MysqlError {
  return { code: errorNumber(error), state: textOf(error, 'sqlState'), text: textOf(error) };
}
