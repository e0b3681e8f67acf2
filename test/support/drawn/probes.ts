import fc from 'fast-check';
import type { ProbeKind } from '../../../src/api/probe-kinds.ts';
import { some, type Fields, type Model } from './some.ts';

const one = fc.constantFrom;

const empty = fc.constant({});
const saturatedIs = one('inconclusive', 'down');

const httpGet = some(
  {},
  {
    path: one('/', '/ready'),
    scheme: one('HTTP', 'HTTPS'),
    host: one('api.example.com'),
    httpHeaders: fc.constant([{ name: 'X-Check', value: '1' }]),
    expectedStatuses: one([200], [200, 429]),
    insecureSkipVerify: fc.boolean(),
  },
);

/** Each handler with its fields. A kind without a line does not compile. */
const handlers = {
  tcpSocket: empty,
  httpGet,
  icmp: empty,
  postgres: some(
    { sslMode: one('disable', 'prefer', 'require', 'verify-ca', 'verify-full') },
    { database: one('orders'), user: one('probe'), saturatedIs },
  ),
  mysql: some({}, { saturatedIs }),
  redis: empty,
  mongodb: some({}, { setName: one('rs0') }),
  memcached: empty,
  tls: empty,
  grpc: some({}, { service: one('', 'orders') }),
  disabled: empty,
} satisfies Readonly<Record<ProbeKind, Model[string]>>;

const timing: Model = {
  initialDelaySeconds: one(0, 3),
  periodSeconds: one(5, 10),
  timeoutSeconds: one(1, 5),
  successThreshold: one(1, 2),
  failureThreshold: one(1, 3),
};

/** Times in another unit than in `timing`. */
const otherTimes: Model = {
  periodMilliseconds: one(5_000, 10_000),
  timeoutMilliseconds: one(1_000, 5_000),
  retryPeriodMilliseconds: one(1_000),
  retryPeriodSeconds: one(1, 2),
};

/** Keeps one unit of each time. */
const inOneUnit = (probe: Fields): Fields =>
  Object.fromEntries(
    Object.entries(probe).filter(
      ([name]) => !name.endsWith('Milliseconds') || !(name.replace('Milliseconds', 'Seconds') in probe),
    ),
  );

const oneHandler = fc
  .oneof(...Object.entries(handlers).map(([name, fields]) => fc.record({ [name]: fields })), empty)
  .map((handler): Fields => handler);
const both = (parts: readonly [Fields, Fields]): Fields => ({ ...parts[0], ...parts[1] });
/** `ports[].probe` */
export const portProbe = fc
  .tuple(oneHandler, some({}, { ...timing, ...otherTimes }))
  .map(both)
  .map(inOneUnit);
/** `spec.probe` */
export const probe = fc
  .tuple(oneHandler, some({}, { ...timing, ...otherTimes, port: one(5432, 8080, 'a') }))
  .map(both)
  .map(inOneUnit);
