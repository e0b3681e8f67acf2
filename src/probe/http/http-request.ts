import { validateHeaderName, validateHeaderValue } from 'node:http';
import { isIP } from 'node:net';
import { kubernetesPorts } from '../../core/resolution/address-policy.ts';
import type { Check, Handler } from '../../core/probing/check.ts';

export type HttpRequest = Extract<Handler, { kind: 'httpGet' }>['request'];
/** Names and values in the order of the request. */
export type Headers = readonly (readonly [name: string, value: string])[];

/**
 * Returns the URL of the first request. Its host is only a name for the server and is never dialled:
 * `request.host`, or the target's host. The path is appended as text, so that no path (`//other/`,
 * `http://other/`) can change the host.
 */
export function urlOf(check: Check, request: HttpRequest): URL {
  const host = (request.host ?? check.host).replace(/\.$/, '');
  const authority = isIP(host) === 6 ? `[${host}]` : host;
  const path = request.path.startsWith('/') ? request.path : `/${request.path}`;
  return new URL(`${request.scheme.toLowerCase()}://${authority}:${String(check.port)}${path}`);
}

/**
 * Returns the headers of a request by the kubelet's rules (pkg/probe/http/request.go). A `Host` header sets
 * the Host. User-Agent and Accept have defaults, and an empty value removes them. A name that is given twice
 * is sent twice. A Host of the user is kept over relative redirects only (net/http Client.Do).
 *
 * @param url URL of this request
 * @param ownHost true while the Host of the user applies
 */
export function headersOf(request: HttpRequest, url: URL, ownHost: boolean): Headers {
  const headers = new Map<string, { name: string; values: string[] }>([
    ['host', { name: 'Host', values: [url.host] }],
    ['user-agent', { name: 'User-Agent', values: ['external-backend-operator'] }],
    ['accept', { name: 'Accept', values: ['*/*'] }],
  ]);
  const given = new Set<string>();
  for (const { name, value } of request.httpHeaders ?? []) {
    const key = name.toLowerCase();
    if (ignored.has(key)) continue;
    if (key === 'host' && (!ownHost || value === '' || given.has(key))) continue;
    const values = given.has(key) ? (headers.get(key)?.values ?? []) : [];
    headers.set(key, { name, values: [...values, value] });
    given.add(key);
  }
  if (!headers.has('connection')) headers.set('connection', { name: 'Connection', values: ['close'] });
  return [...headers]
    .filter(([key, { values }]) => !(removable.has(key) && values[0] === ''))
    .flatMap(([, { name, values }]) => values.map((value) => [name, value] as const));
}

const removable: ReadonlySet<string> = new Set(['user-agent', 'accept']);
/** Headers of a body, which a GET does not have. net/http does not send them. */
const ignored: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'trailer']);

/** Returns the bytes of a GET. Throws when a header has a forbidden character. */
export function requestBytes(url: URL, headers: Headers): Uint8Array {
  const lines = headers.map(([name, value]) => {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return `${name}: ${value}\r\n`;
  });
  return Buffer.from(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}

/** Returns the host without the brackets that a URL has around an IPv6 address. */
export function hostnameOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

export type Redirect =
  | { readonly kind: 'follow'; readonly url: URL; readonly relative: boolean }
  | { readonly kind: 'stay' }
  | { readonly kind: 'broken' };

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Returns how to handle an answer, as in the kubelet's RedirectChecker and net/http:
 *
 * | status and Location               | result                                                      |
 * |-----------------------------------|-------------------------------------------------------------|
 * | no redirect, or no Location       | stay: judged by its status                                  |
 * | another host name                 | stay: not followed, and a 3xx counts as success             |
 * | same host name, http or https     | follow (any port or path; the dialled IP stays the same)    |
 * | the same, a port of Kubernetes    | stay, except where the check dials that port                |
 * | not a URL, or another scheme      | broken: down                                                |
 *
 * A port of Kubernetes is a port that no address of a node may be used with. The address policy judges the
 * ports that a check dials, and the server must not choose one of these.
 */
export function redirectOf(status: number, location: string | undefined, current: URL, first: URL): Redirect {
  if (!redirects.has(status) || location === undefined || location === '') return { kind: 'stay' };
  const url = URL.parse(location, current.href);
  if (url === null) return { kind: 'broken' };
  if (url.hostname !== first.hostname) return { kind: 'stay' };
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { kind: 'broken' };
  const port = portOf(url);
  if (port !== portOf(first) && kubernetesPorts.includes(port)) return { kind: 'stay' };
  return { kind: 'follow', url, relative: !/^([a-z][a-z0-9+.-]*:|\/\/|\\\\)/i.test(location) };
}

/** Returns the port of a URL, also when it is the default of the scheme. */
export const portOf = ({ port, protocol }: URL): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);

/**
 * Returns true when the request after a redirect may have the headers of the user. These are for the server
 * that the user named, and may contain a password. The server that answered chose the redirect.
 *
 * | from           | to                                  | headers of the user        |
 * |----------------|-------------------------------------|----------------------------|
 * | any            | the same scheme, the same port      | sent                       |
 * | http           | https on the same port              | sent                       |
 * | https          | http                                | left out from then on      |
 * | any            | another port                        | left out from then on      |
 *
 * The kubelet sends them in each case, over the network of its own node. Neither follows a redirect to
 * another host.
 */
export const keepsHeaders = (from: URL, to: URL): boolean =>
  portOf(from) === portOf(to) && !(from.protocol === 'https:' && to.protocol === 'http:');
