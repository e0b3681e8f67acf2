import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

import type { PlaneDetails } from './details.ts';
import { pathOf, resources } from './kinds.ts';
import type { Kind, Kinds, Manifest, OtherObject } from './kinds.ts';
import type { UserName } from './users.ts';

/** The API server said no. `reason` is its own: NotFound, Conflict, Forbidden, Invalid, AlreadyExists, Expired. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
  }
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type Send = (method: string, path: string, body?: unknown, contentType?: string) => Promise<unknown>;

/** A small client for tests, on nothing but node:https: what the operator's own client does is not taken on trust. */
export interface Api {
  get<K extends Kind>(kind: K, name: string, namespace?: string): Promise<Kinds[K]>;
  /** Like get, undefined where there is none. */
  find<K extends Kind>(kind: K, name: string, namespace?: string): Promise<Kinds[K] | undefined>;
  /** Without a namespace: of all. */
  list<K extends Kind>(kind: K, namespace?: string, options?: ListOptions): Promise<readonly Kinds[K][]>;
  create<K extends Kind>(object: Manifest<K>): Promise<Kinds[K]>;
  /** PUT; the object's resourceVersion, when it has one, must be the current one. */
  replace<K extends Kind>(object: Manifest<K>): Promise<Kinds[K]>;
  /** Server-side apply, with force, as `kubectl apply --server-side --force-conflicts`. */
  apply<K extends Kind>(object: Manifest<K>, manager?: string): Promise<Kinds[K]>;
  /** A JSON merge patch; `null` removes a field. */
  patch<K extends Kind>(
    kind: K,
    name: string,
    namespace: string | undefined,
    patch: object,
  ): Promise<Kinds[K]>;
  patchStatus<K extends Kind>(
    kind: K,
    name: string,
    namespace: string | undefined,
    patch: object,
  ): Promise<Kinds[K]>;
  delete(kind: Kind, name: string, namespace?: string, options?: DeleteOptions): Promise<void>;
  deleteAll(kind: Kind, namespace: string, options?: ListOptions): Promise<void>;
  /** Any request; the answer's JSON, or its text where it is none. Fails with ApiError. */
  readonly send: Send;
}

/** Somebody whom the API server has no token for. */
export interface Impersonated {
  readonly user: string;
  readonly groups?: readonly string[];
}

/** The API as another user sees it: `admin` may impersonate everybody. */
export const impersonate = (plane: PlaneDetails, impersonated: Impersonated): Api =>
  apiOf({ ...connect(plane, 'admin'), impersonated }, 30_000);

/** @param deadlineMs of one call */
export const api = (plane: PlaneDetails, user: UserName = 'admin', deadlineMs = 30_000): Api =>
  apiOf(connect(plane, user), deadlineMs);

function apiOf(connection: Connection, deadlineMs: number): Api {
  const send: Send = (method, path, body, contentType) =>
    call(connection, deadlineMs, method, path, body, contentType);
  const typed = <K extends Kind>(kind: K, answer: unknown): Kinds[K] =>
    ({ ...resourceType(kind), ...(answer as object) }) as Kinds[K];
  return {
    send,
    get: async (kind, name, namespace) => typed(kind, await send('GET', pathOf(kind, namespace, name))),
    find: async (kind, name, namespace) =>
      send('GET', pathOf(kind, namespace, name)).then((answer) => typed(kind, answer), undefinedWhenNotFound),
    list: async (kind, namespace, options) => {
      const answer = await send('GET', pathOf(kind, namespace) + query({ ...options }));
      return (answer as { items: OtherObject[] }).items.map((item) => typed(kind, item));
    },
    create: async (object) => typed(object.kind, await send('POST', collectionOf(object), complete(object))),
    replace: async (object) => typed(object.kind, await send('PUT', objectPath(object), complete(object))),
    apply: async (object, manager = 'test') => {
      const path = objectPath(object) + query({ fieldManager: manager, force: 'true' });
      return typed(object.kind, await send('PATCH', path, complete(object), 'application/apply-patch+yaml'));
    },
    patch: async (kind, name, namespace, patch) =>
      typed(kind, await send('PATCH', pathOf(kind, namespace, name), patch, mergePatch)),
    patchStatus: async (kind, name, namespace, patch) =>
      typed(kind, await send('PATCH', `${pathOf(kind, namespace, name)}/status`, patch, mergePatch)),
    delete: async (kind, name, namespace, options) => {
      await send('DELETE', pathOf(kind, namespace, name), {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...options,
      });
    },
    deleteAll: async (kind, namespace, options) => {
      await send('DELETE', pathOf(kind, namespace) + query({ ...options }));
    },
  };
}

export interface Connection {
  readonly plane: PlaneDetails;
  readonly agent: Agent;
  readonly token: string;
  readonly impersonated?: Impersonated;
}

const asOther = ({ user, groups = [] }: Impersonated) => ({
  'impersonate-user': user,
  ...(groups.length > 0 && { 'impersonate-group': [...groups] }),
});

export function connect(plane: PlaneDetails, user: UserName): Connection {
  const agent = new Agent({ ca: readFileSync(plane.caFile), keepAlive: true, maxSockets: 64 });
  return { plane, agent, token: plane.tokens[user] };
}

/** One request, answered as a stream; a status from 400 on becomes an ApiError. */
export async function open(
  { plane, agent, token, impersonated }: Connection,
  method: string,
  path: string,
  options: { readonly body?: string; readonly contentType?: string; readonly signal?: AbortSignal } = {},
): Promise<IncomingMessage> {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json',
    ...(impersonated && asOther(impersonated)),
    ...(options.body === undefined
      ? {}
      : {
          'content-type': options.contentType ?? 'application/json',
          'content-length': Buffer.byteLength(options.body),
        }),
  };
  const { signal, body } = options;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(
      `${plane.server}${path}`,
      { method, agent, headers, ...(signal === undefined ? {} : { signal }) },
      resolve,
    )
      .on('error', reject)
      .end(body);
  });
  const status = response.statusCode ?? 0;
  if (status >= 400) throw toError(status, await text(response));
  return response;
}

async function call(
  connection: Connection,
  deadlineMs: number,
  ...[method, path, body, contentType]: Parameters<Send>
): Promise<unknown> {
  const response = await open(connection, method, path, {
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(contentType === undefined ? {} : { contentType }),
    signal: AbortSignal.timeout(deadlineMs),
  });
  const answer = await text(response);
  return response.headers['content-type']?.startsWith('application/json') === true
    ? JSON.parse(answer)
    : answer;
}

function toError(status: number, body: string): ApiError {
  try {
    const parsed = JSON.parse(body) as { reason?: string; message?: string };
    return new ApiError(status, parsed.reason ?? '', parsed.message ?? body);
  } catch {
    return new ApiError(status, '', body);
  }
}

const mergePatch = 'application/merge-patch+json';

function undefinedWhenNotFound(error: unknown): undefined {
  if (error instanceof ApiError && error.status === 404) return undefined;
  throw error;
}

// Items of a list come without their type.
const resourceType = (kind: Kind) => ({ apiVersion: resources[kind][0], kind });
const complete = (object: Manifest) => ({ ...resourceType(object.kind), ...object });
const collectionOf = (object: Manifest) => pathOf(object.kind, object.metadata.namespace);
const objectPath = (object: Manifest) => pathOf(object.kind, object.metadata.namespace, object.metadata.name);

function query(parameters: Readonly<Record<string, string>>): string {
  const encoded = new URLSearchParams(parameters).toString();
  return encoded === '' ? '' : `?${encoded}`;
}
