import { Client } from 'pg';

import type { Application } from './application.ts';

/** One statement in a connection of its own. */
export interface Attempt {
  /** performance.now() before the connection was opened, and at the end. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The server that executed it; undefined if none did. */
  readonly server: string | undefined;
  /** SQLSTATE of the server that refused it, or why no server answered; empty if a server executed it. */
  readonly refusal: string;
}

/** SQLSTATE of a server that refuses writes. */
export const readOnlyTransaction = '25006';

export interface Statements {
  /** All so far, in their order. */
  readonly attempts: readonly Attempt[];
  stop(): Promise<void>;
}

export interface StatementsOptions {
  readonly application: Pick<Application, 'resolve'>;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Query that returns the server's own address as `server`. */
  readonly sql: string;
}

/** An application that has its pool closed after each statement: resolves the name, connects, one statement, again and again. */
export function repeat(options: StatementsOptions): Statements {
  const attempts: Attempt[] = [];
  const state = { stopped: false };
  const run = async (): Promise<void> => {
    while (!state.stopped) {
      const fromMs = performance.now();
      const outcome = await once(options).then(
        (server) => ({ server, refusal: '' }),
        (error: unknown) => ({ server: undefined, refusal: reasonOf(error) }),
      );
      attempts.push({ fromMs, toMs: performance.now(), ...outcome });
    }
  };
  const running = run();
  return {
    attempts,
    stop: () => {
      state.stopped = true;
      return running;
    },
  };
}

async function once({ application, sql, host, ...login }: StatementsOptions): Promise<string> {
  const [address] = await application.resolve(host);
  if (address === undefined) throw new Error(`${host}: no such name`);
  const { port, user, password } = login;
  const client = new Client({
    ...{ host: address, port, user, password, database: 'postgres' },
    // Without a server there is no answer here, and the next attempt must follow soon.
    connectionTimeoutMillis: 500,
    query_timeout: 3_000,
  });
  client.on('error', () => undefined); // a server that dies; the query fails with it
  try {
    await client.connect();
    const { rows } = await client.query<{ readonly server: string }>(sql);
    return rows[0]?.server ?? '';
  } finally {
    await client.end().catch(() => undefined);
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
