import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { kubernetesPorts } from '../../../src/core/resolution/address-policy.ts';
import { createHttpGet } from '../../../src/probe/http/http.ts';
import { redirectOf } from '../../../src/probe/http/http-request.ts';
import { forever, httpCheck } from '../support/checks.ts';
import { portOf } from '../support/listener.ts';

const probe = createHttpGet({});
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

describe('a redirect to a port of Kubernetes', () => {
  it('is not followed, because the target may be a node', async () => {
    const server = createServer((_, response) => {
      response.writeHead(302, { location: 'https://127.0.0.1:10250/pods' }).end();
    });
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const verdict = await probe(httpCheck(portOf(server), { scheme: 'HTTP' }), forever);
    expect(verdict).toMatchObject({ kind: 'up', reason: 'Responded' });
  });

  it.each(kubernetesPorts)('is not followed: %i', (port) => {
    const url = new URL('http://db.example.com:8080/');
    const redirect = redirectOf(302, `https://db.example.com:${String(port)}/`, url, url);
    expect(redirect).toEqual({ kind: 'stay' });
  });

  it.each(kubernetesPorts)('is followed where the check dials it: %i', (port) => {
    const url = new URL(`http://db.example.com:${String(port)}/`);
    const redirect = redirectOf(302, `https://db.example.com:${String(port)}/healthz`, url, url);
    expect(redirect).toMatchObject({ kind: 'follow' });
  });
});
