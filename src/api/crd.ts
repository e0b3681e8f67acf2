import {
  group,
  kind,
  nameRule,
  plural,
  specSchema,
  statusSchema,
  unseenStatus,
  crdVersion,
} from './external-backend.ts';
import { kubernetesRule } from './rule.ts';
import { storedForm } from './stored-form.ts';
import { structural, type SchemaNode } from './structural.ts';

const text = (name: string, jsonPath: string, description: string, priority = 0) => ({
  name,
  type: 'string',
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
});

/**
 * Columns of `kubectl get xb`; those of priority 1 appear with `-o wide`. If a path has several values, only
 * the first is shown.
 */
const columns = [
  text('Mode', '.spec.mode', 'Endpoints or ExternalName'),
  text('Ready', '.status.summary', 'Number of ready addresses and of all addresses'),
  text(
    'Available',
    '.status.conditions[?(@.type=="Available")].status',
    'True if every Service has a ready address',
  ),
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  text('Primary', '.status.primary', 'Address that the Services of role Primary lead to', 1),
  text('Targets', '.status.hosts', 'Hosts of the targets', 1),
  text('Reason', '.status.conditions[?(@.type=="Available")].reason', 'Why it is available or not', 1),
  text(
    'Maintenance',
    '.status.maintenance.active[0].action',
    'Maintenance that is active: Drain, Freeze or Quiet',
    1,
  ),
];

/** Returns the OpenAPI schema of the whole resource, with the defaults of the parser. */
export function resourceSchema(): SchemaNode {
  return {
    description:
      'ExternalBackend publishes servers outside the cluster as Services, probes them as the kubelet probes containers, and removes failing servers from the Services until they pass their probes again.',
    type: 'object',
    required: ['spec'],
    'x-kubernetes-validations': [kubernetesRule(nameRule)],
    properties: {
      apiVersion: { description: `${group}/${crdVersion}`, type: 'string' },
      kind: { description: kind, type: 'string' },
      metadata: { type: 'object' },
      spec: structural(specSchema, { bounded: true }),
      status: structural(statusSchema, { bounded: false }),
    },
  };
}

/** Returns the same schema in the form in which the API server stores it. */
export function storedSchema(): SchemaNode {
  const { properties, ...root } = resourceSchema();
  const { spec, status, ...others } = properties as Readonly<Record<string, SchemaNode>>;
  return {
    ...root,
    properties: {
      ...others,
      spec: storedForm(spec ?? {}),
      status: { ...storedForm(status ?? {}), default: unseenStatus },
    },
  };
}

/** Returns the CustomResourceDefinition, which is derived from the zod schema alone. */
export function customResourceDefinition(): SchemaNode {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: ['xb'],
        categories: ['all'],
      },
      versions: [
        {
          name: crdVersion,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: storedSchema() },
        },
      ],
    },
  };
}
