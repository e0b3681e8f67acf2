import { describe, expect, it } from '@jest/globals';
import { createServer as createPlainServer } from 'node:http';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createHttpGet } from '../../../src/probe/http/http.ts';
import { keepsHeaders } from '../../../src/probe/http/http-request.ts';
import { forever, httpCheck } from '../support/checks.ts';
import { useAuthority, useServers } from '../support/resources.ts';

const authority = useAuthority();
const certificate = authority.issue('IP:127.0.0.1');
const probe = createHttpGet({ ca: [authority.ca] });
const start = useServers();

type Scheme = 'http' | 'https';

const serve = (scheme: Scheme, answer: RequestListener) =>
  start(scheme === 'https' ? createSecureServer(certificate, answer) : createPlainServer(answer));

const httpHeaders = [
  { name: 'Authorization', value: 'Bearer s3cret' },
  { name: 'Cookie', value: 'a=b' },
  { name: 'X-Api-Key', value: 'k3y' },
];
const secrets = ({ authorization, cookie, ...rest }: IncomingHttpHeaders) => [
  authorization,
  cookie,
  rest['x-api-key'],
];
const all = ['Bearer s3cret', 'a=b', 'k3y'];
const none = [undefined, undefined, undefined];

/** What a server gets that the first one redirects to, and what that says of it; the last one has this status. */
async function redirected(from: Scheme, to: Scheme, status = 200) {
  const got: unknown[] = [];
  const last = await serve(to, (request, response) => {
    got.push(secrets(request.headers));
    response.writeHead(status).end();
  });
  const location = `${to}://127.0.0.1:${String(last)}/landed`;
  const first = await serve(from, (request, response) => {
    got.push(secrets(request.headers));
    response.writeHead(302, { location }).end();
  });
  const request = { scheme: from === 'https' ? 'HTTPS' : 'HTTP', httpHeaders } as const;
  return { got, location, verdict: await probe(httpCheck(first, request), forever) };
}

describe('the headers of the user', () => {
  it.each([
    ['https', 'http'],
    ['http', 'http'],
    ['https', 'https'],
    ['http', 'https'],
  ] as const)('stay behind where %s redirects to %s on another port', async (from, to) => {
    const { got, verdict } = await redirected(from, to);
    expect(got).toEqual([all, none]);
    expect(verdict).toMatchObject({ kind: 'up' });
  });

  it.each(['http', 'https'] as const)('go with redirects of %s on the same port', async (scheme) => {
    const got: unknown[] = [];
    const port = await serve(scheme, (request, response) => {
      got.push(secrets(request.headers));
      const next = { '/': '/two', '/two': `${scheme}://127.0.0.1:${String(port)}/three` }[request.url ?? ''];
      response.writeHead(next === undefined ? 200 : 302, next === undefined ? {} : { location: next }).end();
    });
    const request = { scheme: scheme === 'https' ? 'HTTPS' : 'HTTP', httpHeaders } as const;
    expect(await probe(httpCheck(port, request), forever)).toMatchObject({ kind: 'up' });
    expect(got).toEqual([all, all, all]);
  });

  it('are not sent again where a redirect leads back', async () => {
    const got: unknown[] = [];
    const places: number[] = [];
    const back = await serve('http', (request, response) => {
      got.push(secrets(request.headers));
      response.writeHead(302, { location: `http://127.0.0.1:${String(places[0])}/done` }).end();
    });
    const first = await serve('http', (request, response) => {
      got.push(secrets(request.headers));
      if (request.url === '/done') response.end();
      else response.writeHead(302, { location: `http://127.0.0.1:${String(back)}/` }).end();
    });
    places.push(first);
    expect(await probe(httpCheck(first, { httpHeaders }), forever)).toMatchObject({ kind: 'up' });
    expect(got).toEqual([all, none, none]);
  });

  it('that stayed behind are named where the answer is a failure', async () => {
    const { verdict, location } = await redirected('http', 'https', 401);
    expect(verdict).toEqual({
      kind: 'down',
      reason: 'UnexpectedStatus',
      message: `redirected to ${location} without httpHeaders: HTTP 401`,
    });
  });
});

it.each([
  ['http://db.example/', 'http://db.example/two', true],
  ['https://db.example/', 'https://db.example:443/two', true],
  ['http://db.example:8443/', 'https://db.example:8443/', true],
  ['http://db.example/', 'https://db.example/', false],
  ['https://db.example:8443/', 'http://db.example:8443/', false],
  ['https://db.example/', 'http://db.example:443/', false],
  ['https://db.example/', 'https://db.example:8443/', false],
  ['http://db.example/', 'http://db.example:8080/', false],
])('a redirect of %s to %s has the headers of the user: %s', (from, to, are) => {
  expect(keepsHeaders(new URL(from), new URL(to))).toBe(are);
});
