/** One flag. `value`: what its value is, for the help; undefined: a switch. */
export interface Flag {
  readonly short?: string;
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly multiple?: true;
  readonly description: string;
}

/** Flags of kubectl. kubectl passes all words after the name of a plugin, and reads none of them itself. */
export const globalFlags = {
  namespace: { short: 'n', value: 'NAME', description: 'Namespace. Default: that of the context.' },
  kubeconfig: { value: 'FILE', description: 'Kubeconfig. Default: KUBECONFIG, then ~/.kube/config.' },
  context: { value: 'NAME', description: 'Context of the kubeconfig.' },
  cluster: { value: 'NAME', description: 'Cluster of the kubeconfig, instead of that of the context.' },
  user: { value: 'NAME', description: 'User of the kubeconfig, instead of that of the context.' },
  server: { short: 's', value: 'URL', description: 'Address of the API server.' },
  token: { value: 'TOKEN', description: 'Bearer token for the API server.' },
  as: { value: 'USER', description: 'User to impersonate.' },
  'as-group': { value: 'GROUP', multiple: true, description: 'Group to impersonate. May be repeated.' },
  'request-timeout': {
    value: 'DURATION',
    description: 'Deadline of each request, such as 5s. Default: 10s.',
  },
  color: {
    value: 'WHEN',
    choices: ['auto', 'always', 'never'],
    description: 'Colours. auto: on a terminal, unless NO_COLOR is set.',
  },
  help: { short: 'h', description: 'Prints the help of the command.' },
} as const satisfies Readonly<Record<string, Flag>>;

export const statusFlags = {
  'all-namespaces': { short: 'A', description: 'All namespaces.' },
  selector: {
    short: 'l',
    value: 'LABELS',
    description: 'Only backends with these labels, such as team=shop.',
  },
  output: {
    short: 'o',
    value: 'FORMAT',
    choices: ['table', 'wide', 'json', 'yaml'],
    description: 'Format of the output. Default: table.',
  },
  'lease-namespace': {
    value: 'NAME',
    description: 'Namespace of the Lease of the operator. Default: external-backend-operator.',
  },
  'lease-name': { value: 'NAME', description: 'Name of that Lease. Default: external-backend-operator.' },
} as const satisfies Readonly<Record<string, Flag>>;

export const undrainFlags = {
  'dry-run': { description: 'Prints the annotation, and writes nothing.' },
} as const satisfies Readonly<Record<string, Flag>>;

export const maintainFlags = {
  for: { value: 'DURATION', description: 'Time after which it ends, such as 30m or 2h. Required.' },
  ...undrainFlags,
} as const satisfies Readonly<Record<string, Flag>>;
