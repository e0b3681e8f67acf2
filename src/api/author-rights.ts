import { group, plural, type ServiceSpec } from './external-backend.ts';
import {
  celIsForeign,
  celMap,
  externalIpsVerb,
  opensPorts,
  portPowers,
  secretPowers,
  serviceFieldPowers,
  type SecretPower,
} from './delegated-powers.ts';
import { maxServices } from './limits.ts';
import { manifestFolder, type Manifest, type ManifestFile } from './rbac.ts';
import { celString } from './rule.ts';

// ValidatingAdmissionPolicy which checks that the author of a change has the rights that the resource makes
// the operator use.
//
// | part of the spec                                          | the right is checked when                            |
// |-----------------------------------------------------------|------------------------------------------------------|
// | credentials, tls.certificateSecretName                    | the part changes, or other servers get the Secret: a target is added, or ports, probe or tls change |
// | tls.caSecret                                              | the part changes                                     |
// | a field of services[] (delegated-powers.ts), ports[].nodePort  | the field changes, of the Service or port of that name or number |
// | services[].type NodePort or LoadBalancer, externalIPs      | in addition when a port is added, because it is opened too |
//
// What must hold, because the API server counts the cost: a check costs 350,000, an expression may cost
// 1,000,000, and all expressions together may cost 10,000,000. Therefore each expression has one check,
// `create` is checked once for all (a variable is evaluated once), and 16 Services are 16 expressions.
// Messages are always evaluated and must not contain a check.

/** Name of the policy and of its binding. */
export const authorRights = `author-rights.${group}`;

interface Validation {
  readonly expression: string;
  readonly messageExpression: string;
  readonly reason: 'Forbidden';
}

interface Variable {
  readonly name: string;
  readonly expression: string;
}

const user = 'variables.user';
const place = 'variables.place';

/** Joins the parts of a message: literal texts, which are quoted here, and expressions. */
const message = (...parts: readonly ({ readonly text: string } | string)[]): string =>
  parts.map((part) => (typeof part === 'string' ? part : celString(part.text))).join(' + ');

/** Returns a path such as `object.spec.?tls.?caSecret`. Every field except the last may be absent. */
const optional = (root: string, path: string): string => `${root}.spec.?${path.split('.').join('.?')}`;

const check = (resource: string, name: string, verb: string): string =>
  `authorizer.group('').resource('${resource}').namespace(request.namespace)${name}.check('${verb}').allowed()`;

function secretValidation({ path, part, isShown }: SecretPower): Validation {
  const name = optional('object', path);
  const value = `${name}.orValue('')`;
  const same = `variables.isUpdate && ${optional('object', part)} == ${optional('oldObject', part)}`;
  const unchanged = isShown ? `(${same} && variables.sameServers)` : `(${same})`;
  return {
    expression: `!${name}.hasValue() || ${unchanged} || ${check('secrets', `.name(${value})`, 'get')}`,
    messageExpression: message(
      { text: `spec.${path}: the operator would read Secret ` },
      value,
      {
        text: isShown
          ? ' and use it at the servers that spec.targets, ports, probe and tls name, but '
          : ', but ',
      },
      user,
      { text: ' may not get this Secret' },
      place,
      { text: '. Ask for a Role with the verb get on secrets and resourceNames: [' },
      value,
      { text: ']' },
    ),
    reason: 'Forbidden',
  };
}

/**
 * Returns the names of the Services whose field uses a power that the stored Service of that name does not
 * use.
 */
const namesAsking = (asks: string, same: string): string =>
  `variables.services.filter(s, ${asks} && !variables.oldServices.exists(o, o.name == s.name && ${same})).map(s, s.name)`;

/**
 * Returns the same for metadata, which is compared key by key: an author without further rights may change
 * labels next to stored ones of another domain.
 */
const metadataNames = (field: string): string => {
  const [now, then] = [celMap('s', field), celMap('o', field)];
  const same = `variables.oldServices.exists(o, o.name == s.name && key in ${then} && ${then}[key] == ${now}[key])`;
  return `variables.services.filter(s, ${now}.exists(key, ${celIsForeign('key')} && !${same})).map(s, s.name)`;
};

/** Fields of services[] that use a power, each once. */
const serviceFields = (): readonly (keyof ServiceSpec)[] => [
  ...new Set(serviceFieldPowers().map(([field]) => field)),
];

const asksOf = (field: string): string =>
  serviceFieldPowers()
    .filter(([each]) => each === field)
    .map(([, { cel }]) => cel('s'))
    .join(' || ');

const namesOf = (field: keyof ServiceSpec): string => {
  if (field === 'labels' || field === 'annotations') return metadataNames(field);
  const same = `o.?${field} == s.?${field}`;
  return namesAsking(`(${asksOf(field)})`, opensPorts.has(field) ? `${same} && !variables.addsPort` : same);
};

const variables: readonly Variable[] = [
  { name: 'user', expression: `'user ' + request.userInfo.username` },
  { name: 'place', expression: `' in namespace ' + request.namespace` },
  { name: 'isUpdate', expression: `request.operation == 'UPDATE'` },
  { name: 'services', expression: 'object.spec.?services.orValue([])' },
  { name: 'oldServices', expression: 'variables.isUpdate ? oldObject.spec.?services.orValue([]) : []' },
  { name: 'oldPorts', expression: 'variables.isUpdate ? oldObject.spec.?ports.orValue([]) : []' },
  {
    name: 'addsPort',
    expression: `variables.isUpdate && object.spec.?ports.orValue([]).exists(p, !variables.oldPorts.exists(o, o.port == p.port && o.?protocol == p.?protocol))`,
  },
  {
    name: 'oldTargets',
    expression: `variables.isUpdate ? oldObject.spec.targets.map(o, o.host + ' ' + string(o.?port.orValue(0))) : []`,
  },
  {
    name: 'sameServers',
    expression: `variables.isUpdate && ${['ports', 'probe', 'tls']
      .map((part) => `${optional('object', part)} == ${optional('oldObject', part)}`)
      .join(
        ' && ',
      )} && object.spec.targets.all(t, (t.host + ' ' + string(t.?port.orValue(0))) in variables.oldTargets)`,
  },
  { name: 'mayCreateServices', expression: check('services', '', 'create') },
  ...serviceFields().map((field) => ({ name: `${field}Names`, expression: namesOf(field) })),
];

const adoptValidation = (_: unknown, i: number): Validation => {
  const name = `variables.adoptNames[${i}]`;
  const isThere = `variables.adoptNames.size() > ${i}`;
  return {
    expression: `!(${isThere}) || ${check('services', `.name(${name})`, 'update')}`,
    messageExpression: `${isThere} ? ${message(
      { text: 'spec.services[].adopt: the operator would take over Service ' },
      name,
      { text: ', but ' },
      user,
      { text: ' may not update this Service' },
      place,
      { text: '. Ask for a Role with the verb update on services and resourceNames: [' },
      name,
      { text: '], or choose another name' },
    )} : ''`,
    reason: 'Forbidden',
  };
};

const mayNot = (field: keyof ServiceSpec, right: { readonly text: string }, fix: string) =>
  message(
    { text: `spec.services[].${field} of Service ` },
    `variables.${field}Names.join(', ')`,
    ...(opensPorts.has(field) ? ["(variables.addsPort ? ' (a port is added, which it opens)' : '')"] : []),
    { text: ': ' },
    user,
    right,
    place,
    { text: `. ${fix}` },
  );

const createValidation = (field: keyof ServiceSpec): Validation => ({
  expression: `variables.${field}Names.size() == 0 || variables.mayCreateServices`,
  messageExpression: mayNot(
    field,
    { text: ' may not create Services' },
    `Ask for a Role with the verb create on services, or remove ${field}`,
  ),
  reason: 'Forbidden',
});

const externalIpsValidation: Validation = {
  expression: `variables.externalIPsNames.size() == 0 || authorizer.group('${group}').resource('${plural}').namespace(request.namespace).check('${externalIpsVerb}').allowed()`,
  messageExpression: mayNot(
    'externalIPs',
    { text: ` does not have the verb ${externalIpsVerb} on ${plural}` },
    'Ask for a RoleBinding to the ClusterRole external-backend-external-ips, or remove externalIPs',
  ),
  reason: 'Forbidden',
};

const portFields = (): readonly string[] =>
  Object.entries(portPowers).flatMap(([field, lends]) => (lends ? [field] : []));

const portValidation = (field: string): Validation => ({
  expression: `!object.spec.?ports.orValue([]).exists(p, has(p.${field}) && !variables.oldPorts.exists(o, o.port == p.port && o.?${field} == p.?${field})) || variables.mayCreateServices`,
  messageExpression: message(
    { text: `spec.ports[].${field}: ` },
    user,
    { text: ' may not create Services' },
    place,
    { text: `. Ask for a Role with the verb create on services, or remove ${field}` },
  ),
  reason: 'Forbidden',
});

const validations = (): readonly Validation[] => [
  ...secretPowers.map(secretValidation),
  ...Array.from({ length: maxServices }, adoptValidation),
  ...serviceFields()
    .filter((field) => field !== 'adopt')
    .map(createValidation),
  ...portFields().map(portValidation),
  externalIpsValidation,
];

const policy = (): Manifest => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: authorRights },
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [group],
          apiVersions: ['*'],
          operations: ['CREATE', 'UPDATE'],
          // Without subresources, because the operator writes only the status, never a spec.
          resources: [plural],
        },
      ],
    },
    matchConditions: [
      { name: 'spec-changes', expression: `request.operation == 'CREATE' || object.spec != oldObject.spec` },
    ],
    variables,
    validations: validations(),
  },
});

const binding: Manifest = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name: authorRights },
  spec: { policyName: authorRights, validationActions: ['Deny'] },
};

/** Returns the files of the component that installs the policy. */
export const authorRightsFiles = (): readonly ManifestFile[] =>
  manifestFolder(
    'config/components/author-rights',
    'Refuses an ExternalBackend that makes the operator do something which its author may not do. Part of config/default. With config/namespaced, a cluster administrator runs: kubectl apply -f config/components/author-rights/policy.yaml.',
    [
      {
        path: 'policy.yaml',
        note: 'The author of a change needs the rights that the resource makes the operator use: docs/operations.md, "Who may do what".',
        manifests: [policy(), binding],
      },
    ],
    'Component',
  );
