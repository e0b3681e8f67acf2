import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

import { controlPlane } from '../controlplane/details.ts';
import { addAddress } from '../controlplane/network.ts';
import { greeting } from '../probe/support/mysql-bytes.ts';
import { hosts } from '../support/builders/backends.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';
import { useAuthority } from '../probe/support/resources.ts';

const [mysql, web] = ['10.20.61.1', '10.20.61.2'];
const authority = useAuthority();
const accepted = new Map<string, number>();
const servers: Server[] = [];
let world: World;

async function serve(server: Server, address: string, port: number): Promise<void> {
  server.on('connection', () => accepted.set(address, (accepted.get(address) ?? 0) + 1));
  await once(server.listen(port, address), 'listening');
  servers.push(server);
}

/** So that what is told once could have been told again. */
const probedAgain = (address: string) => {
  const before = accepted.get(address) ?? 0;
  return eventually(
    () => accepted.get(address) ?? 0,
    (now) => now >= before + 3,
  );
};

/** How often each of the Events with this reason stands there, with its note. */
async function told(reason: string): Promise<readonly string[]> {
  const events = await world.admin.list('Event', world.ns);
  return events.filter((event) => event.reason === reason).map((event) => JSON.stringify(event));
}

const once1s = { periodSeconds: 1, failureThreshold: 1 };

beforeAll(async () => {
  await addAddress(mysql, web);
  await serve(
    createServer((socket) => socket.on('error', () => undefined).write(greeting())),
    mysql,
    3307,
  );
  await serve(createTlsServer(authority.issue('DNS:web.example', '2022')), web, 443);
  world = await openWorld(controlPlane(), { prefix: 'notices' });
});

afterAll(async () => {
  await world.close();
  for (const server of servers) server.close();
});

it('warns once of a bare connection that MySQL greets, and stays ready', async () => {
  await world.publish('shop', {
    targets: hosts(mysql),
    ports: [{ port: 3307 }],
    probe: { ...once1s, tcpSocket: {} },
  });
  await world.serves('shop', [mysql]);
  await eventually(
    () => told('BareConnectToMysql'),
    (events) => events.length === 1,
  );
  await probedAgain(mysql);
  const events = await told('BareConnectToMysql');
  expect(events).toHaveLength(1);
  expect(events[0]).toContain(`probe reached MySQL/MariaDB at ${mysql}:3307`);
  expect(events[0]).not.toContain('"series"');
});

it('warns once of a certificate that is over, where nobody verifies it', async () => {
  await world.publish('web', {
    targets: hosts(web),
    ports: [{ port: 443 }],
    probe: { ...once1s, tls: {} },
    tls: { insecureSkipVerify: true },
  });
  await world.serves('web', [web]);
  await eventually(
    () => told('CertificateExpiresSoon'),
    (events) => events.length === 1,
  );
  await probedAgain(web);
  const events = await told('CertificateExpiresSoon');
  expect(events).toHaveLength(1);
  expect(events[0]).toContain(`the certificate of ${web}:443 expired on 2022-01-01: renew it`);
  expect(events[0]).not.toContain('"series"');
});
