import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

import { api } from './api.ts';
import type { PlaneDetails } from './details.ts';
import { auditLog } from './parts.ts';
import { users } from './users.ts';
import type { UserName } from './users.ts';

export interface Write {
  /** create, update, patch, delete, deletecollection; apply is `patch`. */
  readonly verb: string;
  /** Plural: `services`. */
  readonly resource: string;
  /** `status`, or empty. */
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The HTTP status. */
  readonly code: number;
  readonly user: string;
}

export interface WriteFilter {
  /** Default: the operator. */
  readonly user?: UserName;
  readonly namespace?: string;
  readonly resource?: string;
}

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

/**
 * Every write of a user, in order, from the API server's audit log: complete when the writer has its answer.
 * To say "no more writes": take the length before, and look at what came after it.
 */
export async function writes(plane: PlaneDetails, filter: WriteFilter = {}): Promise<readonly Write[]> {
  const found: Write[] = [];
  for await (const event of auditEvents(plane, users[filter.user ?? 'operator'].user)) {
    const write = toWrite(event);
    if (matches(write, filter)) found.push(write);
  }
  return found;
}

/** What a user has used of each resource, as `apps/deployments get`; of a plane that audits this user (`auditUser`). */
export async function usedVerbs(plane: PlaneDetails, user: UserName): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const { verb, objectRef } of auditEvents(plane, users[user].user)) {
    if (objectRef === undefined) continue;
    const { apiGroup = '', resource, subresource } = objectRef;
    found.add(`${apiGroup}/${[resource, subresource].filter(Boolean).join('/')} ${verb}`);
  }
  return found;
}

async function* auditEvents(plane: PlaneDetails, user: string): AsyncIterable<AuditEvent> {
  const input = createReadStream(auditLog(plane.dir));
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    // Cheap first: most lines of a long run are of others.
    if (!line.includes(user)) continue;
    const event = JSON.parse(line) as AuditEvent;
    if (event.user.username === user) yield event;
  }
}

const matches = (write: Write, { namespace, resource }: WriteFilter): boolean =>
  (namespace === undefined || write.namespace === namespace) &&
  (resource === undefined || write.resource === resource);

const toWrite = ({ verb, user, objectRef, responseStatus }: AuditEvent): Write => ({
  verb,
  resource: objectRef?.resource ?? '',
  subresource: objectRef?.subresource ?? '',
  namespace: objectRef?.namespace ?? '',
  name: objectRef?.name ?? '',
  code: responseStatus?.code ?? 0,
  user: user.username,
});

export interface RequestCount {
  readonly verb: string;
  readonly resource: string;
  readonly subresource: string;
  readonly code: string;
  readonly count: number;
}

/** All requests so far, by anyone, from the metric apiserver_request_total; reads are here too, as GET, LIST, WATCH. */
export async function requestCounts(plane: PlaneDetails): Promise<readonly RequestCount[]> {
  const text = String(await api(plane).send('GET', '/metrics'));
  return [...text.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)].map(([, labels = '', count]) => {
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    return {
      verb: label('verb'),
      resource: label('resource'),
      subresource: label('subresource'),
      code: label('code'),
      count: Number(count),
    };
  });
}

/** How many requests of these verbs (POST, PUT, PATCH, APPLY, DELETE, GET, LIST, WATCH) and resource there were. */
export function countOf(counts: readonly RequestCount[], resource: string, verbs: readonly string[]): number {
  return counts
    .filter((row) => row.resource === resource && verbs.includes(row.verb))
    .reduce((sum, row) => sum + row.count, 0);
}
