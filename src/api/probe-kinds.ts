/** Facts of a probe kind that other files derive their lists from. */
export interface ProbeKindTraits {
  /** Well-known port number (IANA) that selects the kind, if the port has no `appProtocol`. */
  readonly port?: number;
  /** Values of `appProtocol` that select the kind. */
  readonly appProtocols?: readonly string[];
  /** True if the probe opens a TCP connection, and therefore needs a TCP port. */
  readonly opensTcp: boolean;
  /** True if the probe sends or verifies the host of the target: Host header, `:authority`, server name. */
  readonly usesHost: boolean;
  /**
   * When the probe uses TLS.
   *
   * - `ifSet`: from the first byte, if `spec.tls` is set.
   * - `afterGreeting`: after a greeting in clear, if `spec.tls` is set.
   * - `byOption`: an option of the probe decides (`scheme`, `sslMode`).
   */
  readonly tls: 'never' | 'always' | 'ifSet' | 'afterGreeting' | 'byOption';
  /** True if the probe logs in with `spec.credentials`. */
  readonly logsIn: boolean;
  /** Condition for a report of the role, primary or replica. `withLogin`: only after a login. */
  readonly reportsRole: 'always' | 'withLogin' | 'never';
}

const withoutLogin = { logsIn: false, reportsRole: 'never' } as const;
const overTcp = { opensTcp: true, usesHost: true } as const;

/**
 * Probe kinds, in the order of the fields of `spec.probe`. Each kind has its facts here and nowhere else. A
 * new kind is described in docs/extend.md.
 */
export const probeKinds = {
  tcpSocket: { opensTcp: true, usesHost: false, tls: 'never', ...withoutLogin },
  httpGet: { ...overTcp, tls: 'byOption', ...withoutLogin },
  icmp: { opensTcp: false, usesHost: false, tls: 'never', ...withoutLogin },
  postgres: {
    ...{ port: 5432, appProtocols: ['postgresql', 'postgres'] },
    ...{ ...overTcp, tls: 'byOption', logsIn: true, reportsRole: 'withLogin' },
  },
  mysql: {
    ...{ port: 3306, appProtocols: ['mysql', 'mariadb'] },
    ...{ ...overTcp, tls: 'afterGreeting', logsIn: true, reportsRole: 'withLogin' },
  },
  redis: {
    ...{ port: 6379, appProtocols: ['redis'] },
    ...{ ...overTcp, tls: 'ifSet', logsIn: true, reportsRole: 'always' },
  },
  mongodb: {
    ...{ port: 27017, appProtocols: ['mongodb', 'mongo'] },
    ...{ ...overTcp, tls: 'ifSet', logsIn: false, reportsRole: 'always' },
  },
  memcached: {
    ...{ port: 11211, appProtocols: ['memcached', 'memcache'] },
    ...{ ...overTcp, tls: 'ifSet', ...withoutLogin },
  },
  tls: { ...overTcp, tls: 'always', ...withoutLogin },
  grpc: { ...overTcp, tls: 'ifSet', ...withoutLogin },
  /** Absence of a probe: every address is ready. */
  disabled: { opensTcp: false, usesHost: false, tls: 'never', ...withoutLogin },
} as const satisfies Readonly<Record<string, ProbeKindTraits>>;

export type ProbeKind = keyof typeof probeKinds;

const table: Readonly<Record<ProbeKind, ProbeKindTraits>> = probeKinds;

/** Names of the probe kinds. */
export const probeKindNames = Object.keys(probeKinds) as readonly ProbeKind[];

/** Returns the kinds whose facts pass the test, in the order of the table. */
export const kindsWhere = (holds: (traits: ProbeKindTraits) => boolean): readonly ProbeKind[] =>
  probeKindNames.filter((kind) => holds(table[kind]));

/** Returns an enumeration for texts: `a, b and c`. */
export const inWords = (names: readonly string[], conjunction: 'and' | 'or'): string =>
  [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(` ${conjunction} `);
