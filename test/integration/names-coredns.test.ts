import { afterAll, beforeAll, expect, it } from '@jest/globals';

import type { DnsClient } from '../../src/dns/query/client.ts';
import { clientOf } from '../support/servers/name-client.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import type { NameServer } from '../support/servers/name-servers.ts';
import { asRow, nameTable, tableNames, tableTtl, wanted } from '../support/servers/name-table.ts';

// The same is asked of dnsmasq and Unbound by test/dns/vendors.test.ts.
let server: NameServer;
let client: DnsClient;

beforeAll(async () => {
  server = await startCoreDns({ address: '10.20.56.53', port: 53, names: tableNames, ttl: tableTtl });
  client = clientOf(server);
});

afterAll(async () => {
  client.close();
  await server.remove();
});

it.each(nameTable)('CoreDNS answers: $title', async (row) => {
  expect(asRow(await client.resolve(row))).toEqual(wanted(row));
});

it('CoreDNS gives the time to live', async () => {
  expect(await client.resolve({ name: 'chain1.outside.test', type: 'A' })).toMatchObject({ ttlMs: 7000 });
});

it('CoreDNS answers another zone file while it runs', async () => {
  await server.set({ 'four.outside.test': ['A 10.20.0.9'] });
  expect(await client.resolve({ name: 'four.outside.test', type: 'A' })).toMatchObject({
    kind: 'records',
    addresses: ['10.20.0.9'],
  });
});
