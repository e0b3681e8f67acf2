import { OperatorError } from '../../../src/core/errors.ts';
import type { AppliedService, ObjectRef } from '../../../src/core/kubernetes/action.ts';
import type { Endpoints, EndpointSlice, KubeObject, Service } from '../../../src/core/kubernetes/objects.ts';
import { operatorName } from '../../../src/core/kubernetes/ownership.ts';
import { resources } from '../../../src/kube/client/resources.ts';
import { FakeCluster } from './fake-cluster.ts';
import { merged } from './server-like.ts';

/** Request to the API server. `path`: without the query. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly contentType?: string;
  readonly body?: unknown;
}

export interface FakeAnswer {
  readonly status: number;
  readonly body: object;
}

/** Collection or object that a path names. */
export interface Place {
  readonly kind: string;
  readonly namespace: string;
  /** Undefined: the collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

const byCollection = new Map<string, string>(
  Object.values(resources).map(({ root, plural, kind }) => [`${root}/${plural}`, kind] as const),
);
const pattern =
  /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

/** Returns the place of a path; undefined: the fake server has no such path. */
export function placeOf(path: string): Place | undefined {
  const [, root = '', namespace = '', plural = '', name, subresource] = pattern.exec(path) ?? [];
  const kind = byCollection.get(`${root}/${plural}`);
  return kind === undefined ? undefined : { kind, namespace, name, subresource };
}

const failed = (status: number, reason: string, message: string): FakeAnswer => ({
  status,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code: status },
});
const notFound = ({ kind, name = '' }: Place): FakeAnswer =>
  failed(404, 'NotFound', `${kind} "${name}" not found`);
const conflict = (message: string): FakeAnswer => failed(409, 'Conflict', message);
const done = { status: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } };

interface Meta {
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/**
 * The API server, request by request, with the rules that the operator depends on. Its store is the fake
 * cluster. test/integration/fake-api.test.ts sends the same requests to it and to the real one.
 *
 * | request                                            | answer                                            |
 * |----------------------------------------------------|---------------------------------------------------|
 * | create, the name is taken                          | 409 AlreadyExists                                 |
 * | update with another uid or resourceVersion         | 409 Conflict                                      |
 * | update of a Lease without a resourceVersion        | 422 Invalid                                       |
 * | update that changes nothing                        | 200, the version remains                          |
 * | merge patch with another uid or resourceVersion    | 409 Conflict                                      |
 * | JSON patch whose `test` fails                      | 422 Invalid                                       |
 * | delete with other preconditions                    | 409 Conflict                                      |
 * | get, update, patch or delete of what is not there  | 404 NotFound                                      |
 * | update of Endpoints or a Lease that is not there   | with a uid 409 Conflict, otherwise it is created  |
 * | dry run                                            | as without, and nothing is stored                 |
 * | write of a status                                  | the generation remains                            |
 */
export class FakeApi {
  readonly cluster: FakeCluster;

  constructor(cluster: FakeCluster = new FakeCluster()) {
    this.cluster = cluster;
  }

  handle(request: FakeRequest): FakeAnswer {
    const place = placeOf(request.path);
    if (place === undefined)
      return request.path === '/version' ? done : failed(404, 'NotFound', request.path);
    try {
      return this.#route(request, place);
    } catch (error) {
      if (!(error instanceof OperatorError) || error.status === undefined) throw error;
      return failed(error.status, error.reason, error.message);
    }
  }

  /** Returns the objects of a collection, as they are sent. */
  list({ kind, namespace }: Place, labelSelector?: string): readonly KubeObject[] {
    return this.cluster
      .all(kind)
      .filter((object) => namespace === '' || object.metadata.namespace === namespace)
      .filter((object) => isSelected(object, labelSelector))
      .map(sent);
  }

  #route(request: FakeRequest, place: Place): FakeAnswer {
    if (request.method === 'POST') return this.#create(request, place);
    if (place.name === undefined) return this.#list(request, place);
    const found = this.cluster.find(place.kind, place.namespace, place.name);
    if (request.contentType === 'application/apply-patch+yaml') return this.#apply(request, place);
    if (found === undefined)
      return request.method === 'PUT' ? this.#updateAbsent(request, place) : notFound(place);
    if (request.method === 'GET') return { status: 200, body: sent(found) };
    if (request.method === 'PUT') return this.#update(request, place, found);
    if (request.method === 'DELETE') return this.#delete(request, place, found);
    return request.contentType === 'application/json-patch+json'
      ? this.#patchStatus(request, found)
      : this.#merge(request, place, found);
  }

  #list({ query }: FakeRequest, place: Place): FakeAnswer {
    const items = this.list(place, query?.get('labelSelector') ?? undefined);
    return { status: 200, body: { metadata: { resourceVersion: this.cluster.version }, items } };
  }

  #create({ body, query }: FakeRequest, { kind, namespace }: Place): FakeAnswer {
    const given = body as KubeObject;
    const object = { ...given, metadata: { ...given.metadata, namespace } };
    if (kind === 'Event') return { status: 201, body: object };
    const { name } = object.metadata;
    if (this.cluster.find(kind, namespace, name) !== undefined)
      return failed(409, 'AlreadyExists', `${kind} "${name}" already exists`);
    if (query?.get('dryRun') === 'All') return { status: 201, body: object };
    if (kind === 'Lease') this.cluster.put(object);
    else this.cluster.execute({ op: 'create', object: object as EndpointSlice });
    return { status: 201, body: this.#stored(kind, namespace, name) };
  }

  #update({ body, query }: FakeRequest, place: Place, found: KubeObject): FakeAnswer {
    const object = body as KubeObject;
    const { kind, namespace, name = '' } = place;
    if (kind === 'Lease' && (object.metadata.resourceVersion ?? '') === '')
      return failed(422, 'Invalid', 'metadata.resourceVersion: must be specified for an update');
    if (isOther(object.metadata, found)) return conflict('the object has been modified');
    if (query?.get('dryRun') === 'All') return { status: 200, body: object };
    if (kind === 'Lease') this.cluster.put(object);
    else this.cluster.execute({ op: 'update', object: fenced(object, found) as EndpointSlice | Endpoints });
    return { status: 200, body: this.#stored(kind, namespace, name) };
  }

  /** Endpoints and Leases are created by an update without a uid (`AllowCreateOnUpdate`). */
  #updateAbsent(request: FakeRequest, place: Place): FakeAnswer {
    if (place.kind !== 'Endpoints' && place.kind !== 'Lease') return notFound(place);
    const { metadata } = request.body as KubeObject;
    if ((metadata.uid ?? '') !== '') return conflict('the precondition on the uid failed');
    const { resourceVersion: _, ...rest } = metadata;
    return this.#create({ ...request, body: { ...(request.body as KubeObject), metadata: rest } }, place);
  }

  #delete({ body }: FakeRequest, { kind, namespace, name = '' }: Place, found: KubeObject): FakeAnswer {
    const { preconditions = {} } = (body ?? {}) as { readonly preconditions?: Meta };
    if (isOther(preconditions, found)) return conflict('the precondition failed');
    const { uid = '' } = found.metadata;
    const ref: ObjectRef = { kind: kind as ObjectRef['kind'], namespace, name, uid };
    this.cluster.execute({ op: 'delete', ref });
    return done;
  }

  #apply({ body, query }: FakeRequest, { kind, namespace, name = '' }: Place): FakeAnswer {
    if (query?.get('dryRun') === 'All') {
      this.cluster.execute({ op: 'creatable', service: body as AppliedService });
      return { status: 201, body: body as AppliedService };
    }
    this.cluster.execute({ op: 'applyService', service: body as AppliedService });
    return { status: 200, body: this.#stored(kind, namespace, name) };
  }

  #merge({ body }: FakeRequest, { kind, namespace, name = '' }: Place, found: KubeObject): FakeAnswer {
    const { metadata = {}, ...rest } = body as { readonly metadata?: Meta };
    if (isOther(metadata, found)) return conflict('the object has been modified');
    const { uid: _, resourceVersion: __, ...meta } = metadata;
    const patch = { ...rest, metadata: meta };
    if (kind === 'Service') this.cluster.patchService(namespace, name, patch);
    else this.cluster.put(merged(found, patch) as KubeObject);
    return { status: 200, body: this.#stored(kind, namespace, name) };
  }

  /** The patch of a status: `test` of a uid, then `add` of the whole status. */
  #patchStatus({ body }: FakeRequest, found: KubeObject): FakeAnswer {
    const [test, add] = body as readonly { readonly value: unknown }[];
    const { namespace, name, uid } = found.metadata;
    if (test?.value !== uid) return failed(422, 'Invalid', 'the server rejected our request: test failed');
    this.cluster.put({ ...found, status: add?.value } as KubeObject);
    return { status: 200, body: this.#stored(found.kind, namespace, name) };
  }

  #stored(kind: string, namespace: string, name: string): KubeObject {
    const object = this.cluster.find(kind, namespace, name);
    if (object === undefined) throw new Error(`${kind} ${namespace}/${name} is not stored`);
    return sent(object);
  }
}

/** Returns true if the given uid or version is not that of the object. What is not given is not compared. */
const isOther = ({ uid, resourceVersion }: Meta, { metadata }: KubeObject): boolean =>
  (uid !== undefined && uid !== '' && uid !== metadata.uid) ||
  (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== metadata.resourceVersion);

/** Returns the object with the version that is stored: an update without one is not fenced. */
const fenced = (object: KubeObject, { metadata: { uid, resourceVersion } }: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, uid: uid ?? '', resourceVersion: resourceVersion ?? '' },
});

/** Returns true if a selector of the forms `a=b,c!=d,e in (f,g)` selects the object. */
export function isSelected({ metadata: { labels = {} } }: KubeObject, selector = ''): boolean {
  const terms = [...selector.matchAll(/([^\s,!=]+)\s*(!=|=|in)\s*(\([^)]*\)|[^,]*)/g)];
  return terms.every(([, label = '', operator, value = '']) => {
    const is = labels[label];
    if (operator === '!=') return is !== value;
    return is !== undefined && value.replace(/[()]/g, '').split(',').includes(is);
  });
}

const sentObjects = new WeakMap<KubeObject, KubeObject>();

/** Returns the object as the API server sends it: fields that the view derives from it are derived again. */
export function sent(object: KubeObject): KubeObject {
  const known = sentObjects.get(object);
  if (known !== undefined) return known;
  const { applied, editor: _, ...rest } = object as Service;
  const fieldsV1 = { 'f:spec': Object.fromEntries((applied ?? []).map((field) => [`f:${field}`, {}])) };
  const managedFields = [{ manager: operatorName, operation: 'Apply', fieldsV1 }];
  const as = applied === undefined ? object : { ...rest, metadata: { ...rest.metadata, managedFields } };
  sentObjects.set(object, as);
  return as;
}
