import type { NameServer } from '../support/servers/name-servers.ts';
import { eventually } from '../support/eventually.ts';
import { query, startPostgres } from '../support/servers/postgres.ts';
import type { Postgres } from '../support/servers/postgres.ts';
import { expectThat } from './stage.ts';
import type { Stage } from './stage.ts';

const sample = 'config/samples/rds.yaml';
/** The host of the sample. */
const host = 'invoices.c9akciq32.eu-west-1.rds.amazonaws.com';
const ttl = 5;
const primary = '10.20.0.21';
const standby = '10.20.0.22';
const name = 'invoices-db.shop.svc';
const who = 'select inet_server_addr()';
/** TTL, first probe of the new address, a second for everything else, and an allowance for a busy machine. */
const promisedMs = (ttl + 1 + 4) * 1_000;

export interface CloudOptions {
  readonly stage: Stage;
  readonly kubectl: (args: readonly string[]) => Promise<string>;
  /** Runs the same command and shows it. */
  readonly show: (...args: string[]) => Promise<string>;
  /** Name server of the operator. */
  readonly dns: NameServer;
}

/**
 * Shows a database with a host name whose record changes at a failover, and a name server that is killed.
 * Returns the database servers, which the caller removes.
 */
export async function cloud({ stage, show, kubectl, dns }: CloudOptions): Promise<readonly Postgres[]> {
  const gives = (address: string) => dns.set({ [host]: [`${ttl} A ${address}`] });
  const reached = () => query(name, 5432, who);
  const target = ['get', 'xb', 'invoices-db', '-n', 'shop', '-o', 'jsonpath={.status.targets[0]}'];
  /** Waits until the status contains these texts, and shows it. */
  const says = async (fact: string, ...texts: readonly string[]): Promise<void> => {
    const holds = (status: string) => texts.every((text) => status.includes(text));
    await eventually(() => kubectl(target), holds, { fact, deadlineMs: 20_000 });
    await show(...target);
  };

  const servers = await stage.step(
    'A cloud database is a host name: its record contains one of two servers',
    async () => {
      const both = await Promise.all([startPostgres(primary, 5432), startPostgres(standby, 5432)]);
      await gives(primary);
      await show('apply', '-n', 'shop', '-f', sample);
      await eventually(reached, (address) => address === primary, {
        fact: 'the Service leads to the server',
      });
      await show('get', 'xb', 'invoices-db', '-n', 'shop', '-o', 'wide');
      await says('the status reports the state', `"ip":"${primary}"`, '"state":"Answered"');
      stage.checked(`${name} reaches ${primary}, the address in the record, whose TTL is ${ttl} s`);
      return both;
    },
  );

  await stage.step('Failover: this server is killed, and the record changes to the other one', async () => {
    const changed = performance.now();
    await Promise.all([servers[0].kill(), gives(standby)]);
    await eventually(reached, (address) => address === standby, {
      fact: 'connections reach the new address',
      deadlineMs: promisedMs,
    });
    const seconds = ((performance.now() - changed) / 1000).toFixed(1);
    stage.show(`psql -h ${name} -c '${who}'`, standby);
    stage.checked(`the same ${name} reaches ${standby}, ${seconds} s after the record changed`);
    const slices = await show(
      'get',
      'endpointslices',
      '-n',
      'shop',
      '-l',
      'kubernetes.io/service-name=invoices-db',
    );
    expectThat('the old address is removed', slices.includes(standby) && !slices.includes(primary), slices);
    stage.checked('the old address is removed from the Service');
  });

  await stage.step('The name server is killed: the last good answer remains in use', async () => {
    await dns.kill();
    await says('the status reports it', `"ip":"${standby}"`, '"ready":true', '"state":"Stale"');
    expectThat('the Service leads to it as before', (await reached()) === standby, 'another address');
    stage.checked(`the status reports state Stale for ${standby}, and ${name} still reaches it`);
    await dns.start();
  });
  return servers;
}
