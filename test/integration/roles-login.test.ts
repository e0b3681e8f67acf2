import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { everMissing } from '../controlplane/endpoints.ts';
import { eventually } from '../support/eventually.ts';
import { createPostgresCluster } from '../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../support/servers/postgres-cluster.ts';
import { byRole, openRolesWorld, patientlyMs, rw, eventsOf } from '../support/cluster/roles.ts';
import type { RolesWorld } from '../support/cluster/roles.ts';
import { brief, conditionOf } from '../support/cluster/world.ts';

const address = '10.20.76.1';
const port = 5432;
const passwords = { first: 'horse-staple-11', second: 'battery-correct-22' };
let world: RolesWorld;
let server: PostgresCluster;

const backend = (name: string) => byRole('postgres', port, [address], [rw(name)]);

const login = (password: string) => world.storeLogin('login', { username: 'prober', password });

const refusals = () => world.upVerdicts('postgres', 'AuthFailed');

const statusWrites = async () =>
  (await world.writes()).map(brief).filter((text) => text.endsWith('externalbackends/status')).length;

const notes = (name: string) =>
  eventsOf(world, name).map(({ type, reason, note }) => `${type} ${reason}: ${note}`);

beforeAll(async () => {
  [world, server] = await Promise.all([
    openRolesWorld('roles-login'),
    createPostgresCluster({ address, port }),
  ]);
  await server.start({ shared_buffers: '16MB' });
  await server.query(`create role prober login password '${passwords.first}'`);
  await login(passwords.first);
}, 90_000);

afterAll(async () => {
  await world.close();
  await server.remove();
});

it('A password that is changed in the database first is reported, -rw keeps its server, and logins succeed when the Secret follows', async () => {
  await world.publish('orders', backend('orders'));
  await world.serves('orders-rw', [address]);
  await world.reports('orders', address, { reason: 'Responded', role: 'Primary' });

  await server.query(`alter role prober password '${passwords.second}'`);
  const refused = await world.reports('orders', address, {
    ready: true,
    health: 'healthy',
    reason: 'AuthFailed',
    role: 'Primary',
  });
  expect(refused.message).toMatch(/^28P01 password authentication failed/);
  await world.degraded('orders', 'LoginsRefused');

  const [writtenBefore, refusedBefore] = await Promise.all([statusWrites(), refusals()]);
  await eventually(refusals, (count) => count >= refusedBefore + 5, {
    fact: 'it is refused again',
    deadlineMs: patientlyMs,
  });
  expect(await statusWrites()).toBe(writtenBefore);

  // Of a backend that comes now nobody has ever told the role.
  await world.publish('late', backend('late'));
  const stored = await world.backends.until(
    (now) => {
      const late = now.get('late');
      return conditionOf(late, 'Available')?.status === 'False' ? late : undefined;
    },
    patientlyMs,
    'late is not available',
  );
  expect(conditionOf(stored, 'Available')?.message).toMatch(
    /; no ready primary: 10\.20\.76\.1 RoleUnknown \(login refused: 28P01 /,
  );
  expect(conditionOf(stored, 'Degraded')?.reason).toBe('LoginsRefused');

  await login(passwords.second);
  await world.reports('orders', address, { reason: 'Responded', health: 'healthy', role: 'Primary' });
  await world.degraded('orders', 'AllHealthy');
  await world.serves('late-rw', [address]);
  await world.degraded('late', 'AllHealthy');

  expect(everMissing(world.slices.history, 'orders-rw', [address])).toEqual([]);
  const note =
    /^Warning AuthFailed: login to 10\.20\.76\.1:5432 refused: 28P01 .*; the address stays healthy and /;
  expect(notes('orders')).toEqual([
    `Normal PrimaryChanged: ${address} is the primary`,
    expect.stringMatching(new RegExp(`${note.source}keeps its last known role Primary$`)),
  ]);
  expect(notes('late').filter((text) => text.startsWith('Warning'))).toEqual([
    expect.stringMatching(new RegExp(`${note.source}its role is not known$`)),
  ]);
}, 120_000);

it.each([
  [
    'a right',
    'revoke connect on database postgres from public',
    'grant connect on database postgres to public',
    '42501',
  ],
  [
    'a limit of its own',
    'alter role prober connection limit 0',
    'alter role prober connection limit -1',
    '53300',
  ],
])(
  '%s refuses the account: -rw keeps its server, and the status and one Event report it until it ends',
  async (_, spoil, mend, sqlstate) => {
    const name = `by-${sqlstate}`;
    await world.publish(name, backend(name));
    await world.reports(name, address, { reason: 'Responded', role: 'Primary' });

    await server.query(spoil);
    const refused = await world.reports(name, address, {
      ready: true,
      health: 'healthy',
      reason: 'AuthFailed',
      role: 'Primary',
    });
    expect(refused.message).toMatch(new RegExp(`^${sqlstate} `));
    await world.degraded(name, 'LoginsRefused');

    await server.query(mend);
    await world.reports(name, address, { reason: 'Responded', health: 'healthy', role: 'Primary' });
    await world.degraded(name, 'AllHealthy');
    expect(everMissing(world.slices.history, `${name}-rw`, [address])).toEqual([]);
    expect(notes(name).filter((text) => text.startsWith('Warning'))).toEqual([
      expect.stringMatching(
        new RegExp(`^Warning AuthFailed: login to ${address}:5432 refused: ${sqlstate} `),
      ),
    ]);
  },
  60_000,
);

it('A server that requests the password in clear does not get it, which is reported, and -rw keeps its server', async () => {
  await world.publish('clear', backend('clear'));
  await world.reports('clear', address, { reason: 'Responded', role: 'Primary' });

  await server.admit('host all all 0.0.0.0/0 password');
  const withheld = await world.reports('clear', address, {
    ready: true,
    health: 'healthy',
    reason: 'CredentialsWithheld',
    role: 'Primary',
  });
  const message =
    'the password would be sent in clear text: set sslMode: verify-full (or credentials.allowClearText: true)';
  expect(withheld.message).toBe(message);
  await world.degraded('clear', 'LoginsRefused');

  await world.admin.patch('ExternalBackend', 'clear', world.ns, {
    spec: { credentials: { allowClearText: true } },
  });
  await world.reports('clear', address, { reason: 'Responded', health: 'healthy', role: 'Primary' });
  await world.degraded('clear', 'AllHealthy');

  expect(everMissing(world.slices.history, 'clear-rw', [address])).toEqual([]);
  expect(notes('clear').filter((text) => text.startsWith('Warning'))).toEqual([
    `Warning CredentialsWithheld: credentials not sent to ${address}:${port}: ${message}; the address stays healthy and keeps its last known role Primary`,
  ]);
  await server.admit('host all all 0.0.0.0/0 scram-sha-256');
}, 120_000);
