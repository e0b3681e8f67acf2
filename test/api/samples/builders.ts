/** Spec that zod and the API server must refuse. */
export interface BadSample {
  readonly name: string;
  readonly spec: unknown;
  readonly resourceName?: string;
  /** Path that the problem is reported for. */
  readonly field: string;
  /** Part of the message. */
  readonly message: string;
  /** Part of the message of the API server, if it refuses without a rule (bounds, enums, keys, types). */
  readonly server?: string;
  /** True: zod accepts it. What exceeds the rule in a stored resource is left out during resolution. */
  readonly admissionOnly?: true;
}

export interface GoodSample {
  readonly name: string;
  readonly spec: unknown;
  readonly resourceName?: string;
}

export type Fields = Readonly<Record<string, unknown>>;

/** Returns a valid spec in mode Endpoints with other fields. */
export const endpoints = (fields: Fields = {}): Fields => ({
  targets: [{ host: '10.20.0.11' }],
  ports: [{ port: 5432 }],
  ...fields,
});
export const alias = (fields: Fields = {}): Fields => ({
  mode: 'ExternalName',
  targets: [{ host: 'db.example.com' }],
  ...fields,
});
export const host = (text: unknown): Fields => endpoints({ targets: [{ host: text }] });
export const target = (fields: Fields): Fields => endpoints({ targets: [{ host: '10.20.0.11', ...fields }] });
export const port = (fields: Fields): Fields => endpoints({ ports: [{ port: 5432, ...fields }] });
export const ports = (...list: readonly Fields[]): Fields => endpoints({ ports: list });
export const probe = (fields: Fields): Fields => endpoints({ probe: fields });
export const httpGet = (fields: Fields): Fields => probe({ httpGet: fields });
export const service = (fields: Fields): Fields => endpoints({ services: [{ name: 'db', ...fields }] });
export const srv = '_postgresql._tcp.db.example.com';
export const srvTarget = (fields: Fields = {}): Fields => endpoints({ targets: [{ host: srv, ...fields }] });
export const dns = (fields: Fields): Fields =>
  endpoints({ targets: [{ host: 'db.example.com' }], dns: fields });
export const twoPorts: readonly Fields[] = [
  { name: 'a', port: 1 },
  { name: 'b', port: 2 },
];
export const aliasService = (fields: Fields): Fields => alias({ services: [{ name: 'db', ...fields }] });
export const addresses = (count: number): readonly Fields[] =>
  Array.from({ length: count }, (_, i) => ({ host: `10.21.${i >> 8}.${i & 255}` }));

export const names = (count: number): readonly Fields[] =>
  Array.from({ length: count }, (_, i) => ({ host: `db-${i}.example.com` }));

/** Returns headers with this number of characters each, in name and value. */
export const headers = (count: number, characters: number): readonly Fields[] =>
  Array.from({ length: count }, () => ({ name: 'X', value: 'a'.repeat(characters - 1) }));

export const tooSmall = 'should be greater than or equal to';
export const tooBig = 'should be less than or equal to';

export const services = (count: number): readonly Fields[] =>
  Array.from({ length: count }, (_, i) => ({ name: `s${i}` }));

export const probedPorts = (count: number): readonly Fields[] =>
  Array.from({ length: count }, (_, i) => ({ name: `p${i}`, port: i + 1, probe: { tcpSocket: {} } }));

/** Path of the first Service. */
export const s0 = 'spec.services[0]';

export const none = 'has no effect in mode ExternalName';
export const needsNumber = 'probe.port must be a number, such as 5432, if mode ExternalName has no ports';

export const login: Fields = { credentials: { secretName: 'login' } };
export const roles = (...names: readonly string[]): Fields => ({
  services: names.map((role) => ({ name: role.toLowerCase(), role })),
});
/** Returns a spec whose port is not well known. */
export const unknownPort = (fields: Fields): Fields => endpoints({ ports: [{ port: 7000 }], ...fields });
