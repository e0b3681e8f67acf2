import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { DnsClient } from '../../src/dns/query/client.ts';
import { clientOf } from '../support/servers/name-client.ts';
import { startDnsmasq, startUnbound } from '../support/servers/name-servers.ts';
import type { NameServer } from '../support/servers/name-servers.ts';
import { ownAddress } from '../support/servers/own-address.ts';
import { asRow, nameTable, tableNames, tableTtl, wanted } from '../support/servers/name-table.ts';

// CoreDNS, which takes Go to build, is asked the same by test/integration/names-coredns.test.ts.
describe.each([
  ['dnsmasq', startDnsmasq],
  ['Unbound', startUnbound],
])('%s', (_, start) => {
  let server: NameServer;
  let client: DnsClient;

  beforeAll(async () => {
    server = await start({ address: ownAddress, names: tableNames, ttl: tableTtl });
    client = clientOf(server);
  });

  afterAll(async () => {
    client.close();
    await server.remove();
  });

  it.each(nameTable)('answers: $title', async (row) => {
    expect(asRow(await client.resolve(row))).toEqual(wanted(row));
  });

  it('returns the remaining time to live of a cached record', async () => {
    const answer = await client.resolve({ name: 'chain1.outside.test', type: 'A' });
    expect(answer.kind).toBe('records');
    const ttlMs = answer.kind === 'records' ? answer.ttlMs : NaN;
    expect(ttlMs).toBeGreaterThanOrEqual(0);
    expect(ttlMs).toBeLessThanOrEqual(tableTtl * 1000);
  });

  it('returns records that have changed meanwhile', async () => {
    await server.set({ 'four.outside.test': ['A 10.20.0.9'] });
    expect(await client.resolve({ name: 'four.outside.test', type: 'A' })).toMatchObject({
      kind: 'records',
      addresses: ['10.20.0.9'],
    });
  });

  it('that has stopped is a failure that names it', async () => {
    await server.kill();
    expect(await client.resolve({ name: 'four.outside.test', type: 'A' })).toEqual({
      kind: 'failed',
      message: `connection refused by ${server.endpoint}`,
    });
  });
});
