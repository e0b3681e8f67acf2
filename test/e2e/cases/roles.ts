import { expect } from '@jest/globals';

import { readyHistory } from '../../controlplane/endpoints.ts';
import { kubectl } from '../../controlplane/kubectl.ts';
import { record } from '../../controlplane/recorder.ts';
import { eventually } from '../../support/eventually.ts';
import { createPostgresCluster } from '../../support/servers/postgres-cluster.ts';
import { readOnlyTransaction, repeat } from '../../support/cluster/statements.ts';
import type { Attempt, Statements } from '../../support/cluster/statements.ts';
import type { Case } from '../scene.ts';

const [first, second] = ['10.20.171.1', '10.20.171.2'];
const port = 5432;
const namespace = 'ledger';
const settings = { shared_buffers: '16MB', wal_retrieve_retry_interval: '200ms' };
/** What kube-proxy waits between two updates (1 s), and what a busy machine takes. */
const settledMs = 2_500;
const patientlyMs = 40_000;

const backend = `
  apiVersion: externalbackend.io/v1alpha1
  kind: ExternalBackend
  metadata: {name: orders-db}
  spec:
    targets: [{host: ${first}}, {host: ${second}}]
    ports: [{name: postgres, port: ${port}}]
    credentials: {secretName: orders-db-probe}
    probe: {postgres: {}, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 3}
    services:
      - {name: orders-db-rw, role: Primary}
      - {name: orders-db-ro, role: Replica}`;

/** Waits until a statement that began later than this was carried out by the server. */
const reaches = (statements: Statements, server: string, fromMs = performance.now()): Promise<Attempt> => {
  const find = () =>
    Promise.resolve(statements.attempts.find((each) => each.server === server && each.fromMs >= fromMs));
  return eventually(find, (found) => found !== undefined, {
    fact: `a statement reaches ${server}`,
    deadlineMs: patientlyMs,
  }).then((found) => found ?? Promise.reject(new Error('it was found')));
};

/** Writes that a replica refused, begun at this time or later. */
const refused = ({ attempts }: Statements, fromMs = 0): readonly Attempt[] =>
  attempts.filter((each) => each.refusal === readOnlyTransaction && each.fromMs >= fromMs);

/** Services by role. */
export const roles: readonly Case[] = [
  {
    title:
      'who writes through -rw and reads through -ro is led to the right server, over a failover and a switch-over',
    namespace,
    servers: [],
    manifest: `
      apiVersion: v1
      kind: Secret
      metadata: {name: orders-db-probe}
      type: kubernetes.io/basic-auth
      stringData: {username: prober, password: probing}`,
    sees: async ({ plane, resolve }) => {
      await kubectl(plane, ['apply', '-n', namespace, '-k', 'config/rbac-namespaced/secrets']);
      const a = await createPostgresCluster({ address: first, port });
      await a.start(settings);
      await a.query("create role prober login password 'probing'");
      await a.query("create role shop login password 'shopping'");
      await a.query('create table orders (id serial, at timestamptz default now())');
      await a.query('grant all on orders, orders_id_seq to shop');
      const b = await a.replica({ address: second, port });
      await b.start(settings);
      await kubectl(plane, ['apply', '-n', namespace, '-f', '-'], { stdin: backend });
      const slices = await record(plane, 'EndpointSlice', { namespace });

      const login = { application: { resolve }, port, user: 'shop', password: 'shopping' };
      const host = (service: string) => ({ ...login, host: `${service}.${namespace}.svc` });
      const writer = repeat({
        ...host('orders-db-rw'),
        sql: 'insert into orders default values returning host(inet_server_addr()) as server',
      });
      const reader = repeat({
        ...host('orders-db-ro'),
        sql: 'select host(inet_server_addr()) as server, pg_is_in_recovery() from orders',
      });
      try {
        await reaches(writer, first);
        await reaches(reader, second);

        // The primary dies, and its replica takes its place.
        await a.kill();
        const promotedMs = performance.now();
        await b.query('select pg_promote()');
        const { toMs } = await reaches(writer, second, promotedMs);
        console.info(`from the promotion to the first write: ${Math.round(toMs - promotedMs)} ms`);
        await a.rewind(b);
        await a.start(settings);
        await reaches(reader, first);
        expect(refused(writer)).toEqual([]);

        // It is switched back: for a moment the published primary is a replica, and nobody has been told.
        await b.stop();
        const switchedMs = performance.now();
        await a.query('select pg_promote()');
        await b.rewind(a);
        await b.start(settings);
        const back = await reaches(writer, first, switchedMs);
        await reaches(reader, second);
        const left = readyHistory(slices.history, 'orders-db-rw').find(
          ({ atMs, ready }) => atMs > switchedMs && !ready.includes(second),
        );
        if (left === undefined) throw new Error('-rw was never taken from the server that became a replica');
        const verdictMs = left.atMs;
        console.info(
          `from the second promotion to the first write: ${Math.round(back.toMs - switchedMs)} ms;`,
          `writes that a replica refused before the verdict: ${refused(writer).length - refused(writer, verdictMs).length},`,
          `until kube-proxy had followed: ${refused(writer, verdictMs).length}`,
        );
        expect(refused(writer, verdictMs + settledMs)).toEqual([]);
        expect(refused(writer, back.toMs)).toEqual([]);
        const both = readyHistory(slices.history, 'orders-db-rw').filter(({ ready }) => ready.length > 1);
        expect(both).toEqual([]);
      } finally {
        await Promise.all([writer.stop(), reader.stop()]);
        slices.stop();
        await Promise.all([a.remove(), b.remove()]);
      }
    },
  },
];
