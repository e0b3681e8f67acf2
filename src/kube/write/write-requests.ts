/** Requests of the writer to the API server: one function for each, without the fence. */
import type { Action, AppliedService, ObjectRef } from '../../core/kubernetes/action.ts';
import type { EndpointSlice, Endpoints } from '../../core/kubernetes/objects.ts';
import { shortHash } from '../../core/kubernetes/short-hash.ts';
import { kubernetesSliceManagers, labels, operatorName } from '../../core/kubernetes/ownership.ts';
import type { ApiRequest } from '../client/client.ts';
import { priorities } from '../client/priority-limiter.ts';
import type { RequestPriority } from '../client/priority-limiter.ts';
import { pathOf, resources } from '../client/resources.ts';

const fieldManager = operatorName;
const deleteOptions = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };

const priorityOf: Readonly<Record<ObjectRef['kind'], RequestPriority>> = {
  EndpointSlice: priorities.slice,
  Service: priorities.service,
  Endpoints: priorities.endpoints,
  ExternalBackend: priorities.status,
};

/** Applies the fields of the operator to the Service (server-side apply, forced). */
export function applyService(service: AppliedService): ApiRequest {
  const { namespace, name } = service.metadata;
  return {
    ...target('Service', namespace, name),
    verb: 'apply',
    query: { fieldManager, force: true },
    contentType: 'application/apply-patch+yaml',
    body: service,
  };
}

/**
 * Sends the apply of a Service as a dry run, under a name that no Service has: the API server admits or refuses it
 * as a new one, and stores nothing.
 */
export function creatable(service: AppliedService): ApiRequest {
  const { namespace, name } = service.metadata;
  const free = `${name.slice(0, MOST_NAME)}-${shortHash(`${namespace}/${name}`).slice(0, FREE_SUFFIX)}`;
  const request = applyService({ ...service, metadata: { ...service.metadata, name: free } });
  return { ...request, query: { ...request.query, dryRun: 'All' } };
}

const FREE_SUFFIX = 8;
/** A name of a Service has at most 63 characters. */
const MOST_NAME = 63 - 1 - FREE_SUFFIX;

/** Merges fields into the Service with this uid; with a resourceVersion, only into this version. */
export function patchServiceRequest(action: Extract<Action, { op: 'setService' }>): ApiRequest {
  const { ref, spec, annotations, ownerReferences } = action;
  const { uid, resourceVersion } = ref;
  return {
    ...target('Service', ref.namespace, ref.name),
    verb: 'patch',
    query: { fieldManager },
    contentType: 'application/merge-patch+json',
    body: { metadata: { uid, resourceVersion, annotations, ownerReferences }, spec },
  };
}

export function createObject(object: EndpointSlice | Endpoints): ApiRequest {
  const { namespace, name } = object.metadata;
  return {
    ...target(object.kind, namespace),
    verb: 'create',
    name,
    query: { fieldManager },
    body: object,
  };
}

export function updateObject(object: EndpointSlice | Endpoints): ApiRequest {
  const { namespace, name } = object.metadata;
  return { ...target(object.kind, namespace, name), verb: 'update', query: { fieldManager }, body: object };
}

/** Sends a write as a dry run: the API server admits or refuses it, and stores nothing. */
export function dryRun({ write: { op, object } }: Extract<Action, { op: 'dryRun' }>): ApiRequest {
  const request = op === 'create' ? createObject(object) : updateObject(object);
  return { ...request, query: { ...request.query, dryRun: 'All' }, priority: priorities.endpoints };
}

/** Deletes only the object with this uid; with a resourceVersion, only this version. */
export function deleteObject({ kind, namespace, name, uid, resourceVersion }: ObjectRef): ApiRequest {
  return {
    ...target(kind, namespace, name),
    verb: 'delete',
    body: { ...deleteOptions, preconditions: { uid, ...(resourceVersion ? { resourceVersion } : {}) } },
  };
}

/** Replaces the status of the resource with this uid. For another uid the server answers 422. */
export function setStatus({ ref, status }: Extract<Action, { op: 'status' }>): ApiRequest {
  return {
    ...target('ExternalBackend', ref.namespace, ref.name, 'status'),
    verb: 'patch',
    query: { fieldManager },
    contentType: 'application/json-patch+json',
    body: [
      { op: 'test', path: '/metadata/uid', value: ref.uid },
      { op: 'add', path: '/status', value: status },
    ],
  };
}

export function getObject({
  kind,
  namespace,
  name,
}: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): ApiRequest {
  return { ...target(kind, namespace, name), verb: 'get' };
}

/** Lists the slices of the Service that controllers of Kubernetes created. */
export function listForeignSlices(namespace: string, service: string): ApiRequest {
  const managers = kubernetesSliceManagers.join(',');
  const labelSelector = `${labels.serviceName}=${service},${labels.sliceManagedBy} in (${managers})`;
  return {
    verb: 'list',
    resource: resources.EndpointSlice.plural,
    path: pathOf(resources.EndpointSlice, namespace),
    query: { labelSelector },
    namespace,
    priority: priorities.service,
  };
}

/** @param name undefined: the collection */
function target(kind: ObjectRef['kind'], namespace: string, name?: string, subresource?: string) {
  const of = resources[kind];
  return {
    ...(name === undefined ? {} : { name }),
    resource: subresource === undefined ? of.plural : `${of.plural}/${subresource}`,
    path: pathOf(of, namespace, name, subresource),
    namespace,
    priority: priorityOf[kind],
  };
}
