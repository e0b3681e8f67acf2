import type { Backend, Port, ServiceSpec } from '../../api/external-backend.ts';
import { passThroughFields } from '../../api/service.ts';
import type { AppliedService } from '../kubernetes/action.ts';
import { familyFields } from './ip-families.ts';
import { shortHash } from '../kubernetes/short-hash.ts';
import type { Family, Service, ServicePort } from '../kubernetes/objects.ts';
import { annotations, labels, manager, operatorName, ownerReference } from '../kubernetes/ownership.ts';
import { isReplaced } from './service-diff.ts';

/**
 * Returns the body of the server-side apply of a Service: every field that the spec sets and no other, so
 * that a field that is removed from the spec is removed from the Service. The `applied` annotation is the
 * hash of the rest.
 *
 * @param present families of its addresses, IPv4 first
 * @param observed the Service as it is, of any owner
 * @param alias host that an ExternalName points to; undefined: it is none
 */
export function serviceBody(
  backend: Backend,
  spec: ServiceSpec,
  present: readonly Family[],
  observed: Service | undefined,
  alias: string | undefined,
): AppliedService {
  const body =
    alias !== undefined
      ? aliasSpec(backend, alias)
      : {
          ...endpointsSpec(backend, spec),
          ...familyFields(spec, present, keptService(backend, spec, observed)),
        };
  return withAnnotations(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: spec.name,
        namespace: backend.namespace,
        labels: { ...spec.labels, ...ownManager(observed) },
        annotations: { ...spec.annotations, [annotations.backend]: backend.name },
        ownerReferences: [ownerReference(backend)],
      },
      spec: body,
    },
    {},
  );
}

/** Returns the label `app.kubernetes.io/managed-by`, if no other tool has set it. */
const ownManager = (observed: Service | undefined): Readonly<Record<string, string>> => {
  const label = manager(observed?.metadata.labels);
  return label[labels.managedBy] === operatorName ? label : {};
};

/**
 * Returns the observed Service, if the apply changes it in place and it has families; undefined: the families
 * are chosen as for a new Service.
 */
export function keptService(
  backend: Backend,
  spec: ServiceSpec,
  observed: Service | undefined,
): Service | undefined {
  if (observed === undefined || observed.spec.type === 'ExternalName') return undefined;
  return isReplaced(observed, endpointsSpec(backend, spec)) ? undefined : observed;
}

/**
 * Returns the same body with more annotations of ours, and with the hash of all of it except what depends on
 * the observed Service: families (compared by value) and the label of another tool.
 */
export function withAnnotations(
  body: AppliedService,
  more: Readonly<Record<string, string>>,
): AppliedService {
  const { [annotations.applied]: _, ...given } = (body.metadata['annotations'] ?? {}) as Record<
    string,
    string
  >;
  const { [labels.managedBy]: _m, ...own } = (body.metadata['labels'] ?? {}) as Record<string, string>;
  const { ipFamilies: _f, ipFamilyPolicy: _p, ...fields } = body.spec;
  const all = { ...given, ...more };
  const hash = shortHash(JSON.stringify([own, all, fields]));
  return { ...body, metadata: { ...body.metadata, annotations: { ...all, [annotations.applied]: hash } } };
}

const aliasSpec = (backend: Backend, name: string): Readonly<Record<string, unknown>> => ({
  type: 'ExternalName',
  externalName: name,
  ...(backend.spec.ports !== undefined && { ports: backend.spec.ports.map(servicePort) }),
});

/** Returns the spec without what depends on the addresses and on the observed Service. */
function endpointsSpec(backend: Backend, spec: ServiceSpec): Readonly<Record<string, unknown>> {
  const given = passThroughFields
    .filter((field) => spec[field] !== undefined)
    .map((field) => [field, spec[field]] as const);
  return {
    type: spec.type,
    ...(spec.headless
      ? { clusterIP: 'None' }
      : spec.clusterIP !== undefined && { clusterIP: spec.clusterIP }),
    ...Object.fromEntries(given),
    ...(spec.ipFamilies !== undefined && { ipFamilies: spec.ipFamilies }),
    publishNotReadyAddresses: spec.publishNotReadyAddresses,
    ports: (backend.spec.ports ?? []).map((port) => ({
      ...servicePort(port),
      // By the schema only one Service opens ports on the nodes.
      ...(spec.type !== 'ClusterIP' && port.nodePort !== undefined && { nodePort: port.nodePort }),
    })),
  };
}

const servicePort = (port: Port): ServicePort => ({
  ...(port.name !== undefined && { name: port.name }),
  port: port.port,
  targetPort: port.targetPort ?? port.port,
  protocol: port.protocol,
  ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
});
