import { afterEach, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createHttpGet } from '../../../src/probe/http/http.ts';
import { forever, httpCheck } from '../support/checks.ts';
import { portOf } from '../support/listener.ts';

const probe = createHttpGet({});
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

it('follows a redirect whose page is longer than the budget of a run, because nobody reads that page', async () => {
  const server = createServer(({ url }, response) => {
    if (url === '/ok') response.end('ok');
    else response.writeHead(302, { location: '/ok' }).end(Buffer.alloc(1024 * 1024));
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const verdict = await probe(httpCheck(portOf(server), { scheme: 'HTTP' }), forever);
  expect(verdict).toMatchObject({ kind: 'up', reason: 'Responded' });
});
