/**
 * Well-known port and protocol names of a database, which select its handler if the probe names none.
 * `core/probing/handler-selection.ts` uses the same values.
 */
export interface KnownDatabase {
  readonly port: number;
  readonly appProtocols: readonly string[];
}

export const knownDatabases = {
  postgres: { port: 5432, appProtocols: ['postgresql', 'postgres'] },
  mysql: { port: 3306, appProtocols: ['mysql', 'mariadb'] },
  redis: { port: 6379, appProtocols: ['redis'] },
  mongodb: { port: 27017, appProtocols: ['mongodb', 'mongo'] },
} as const satisfies Readonly<Record<string, KnownDatabase>>;
