import { z } from 'zod';
import { databaseProbes } from './database-probes.ts';
import { handler, misplacedInHandler } from './handler.ts';
import { celIsName, isIp, isName } from './host.ts';
import {
  misplacedCommand,
  misplacedNumber,
  misplacedPort,
  misplacedText,
  atomicObject,
} from './object-fields.ts';
import { maxHeaderCharacters, maxHeaders, maxTimeoutSeconds } from './limits.ts';
import {
  inWords,
  kindsWhere,
  probeKindNames,
  probeKinds,
  type ProbeKind,
  type ProbeKindTraits,
} from './probe-kinds.ts';
import { celOr, matches, withRules, type AdmissionRule, type Rule } from './rule.ts';

const seconds = z.int32().max(3600);
const threshold = z.int32().min(1).max(100);

const httpHeader = z
  .object({
    name: withRules(z.string().max(256), [
      matches(
        "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        'name must be an HTTP header name: letters, digits and -, such as X-Check',
      ),
    ]).describe('Name of the header.'),
    value: withRules(z.string().max(4096), [
      matches('^[\\t -~]*$', 'value must be printable ASCII without line breaks'),
    ]).describe('Value of the header, in printable ASCII.'),
  })
  .describe('One header of the request.');

const hostHeader = withRules(z.string().max(253), [
  {
    holds: (text) => isIp(text) || isName(text),
    cel: `isIP(self) || (${celIsName('self')})`,
    message: 'host must be a DNS name or an IP address alone, such as api.example.com',
  },
]);

const headerRules: readonly AdmissionRule[] = [
  {
    cel: `!has(self.httpHeaders) || self.httpHeaders.size() <= ${maxHeaders}`,
    message: `httpHeaders has more than ${maxHeaders} headers: keep those that the health endpoint needs`,
    field: 'httpHeaders',
  },
  {
    cel: `!has(self.httpHeaders) || self.httpHeaders.map(each, each.name.size() + each.value.size()).sum() <= ${maxHeaderCharacters}`,
    message: `httpHeaders has more than ${maxHeaderCharacters} characters in all its names and values: shorten the values`,
    field: 'httpHeaders',
  },
];

const httpGetShape = z
  .object({
    path: withRules(z.string().max(2048), [
      matches(
        '^/[!-~]*$',
        'path must start with / and contain no spaces or control characters: percent-encode them',
      ),
    ])
      .default('/')
      .describe('Path of the request, with the query if there is one.'),
    scheme: z
      .enum(['HTTP', 'HTTPS'])
      .default('HTTP')
      .describe('HTTPS verifies the certificate unless insecureSkipVerify is true.'),
    host: hostHeader
      .optional()
      .describe(
        'Overrides the Host header and the TLS server name. It does not change the address that is probed. Default: the host of the target.',
      ),
    httpHeaders: z
      .array(httpHeader)
      .max(32)
      .optional()
      .meta({
        description: `Headers of the request. A name may occur more than once. At most ${maxHeaders} headers, with at most ${maxHeaderCharacters} characters in all names and values.`,
        'x-kubernetes-list-type': 'atomic',
      }),
    expectedStatuses: z.array(z.int32().min(100).max(599)).min(1).max(32).optional().meta({
      description: 'Status codes that mean ready. Default: 200 to 399, as in the kubelet.',
      'x-kubernetes-list-type': 'atomic',
    }),
    insecureSkipVerify: z
      .boolean()
      .default(false)
      .describe(
        'True accepts any certificate. The probe then shows that a server answers, not that it is the right server.',
      ),
    ...misplacedInHandler('httpGet'),
  })
  .describe('Ready if an HTTP GET returns an expected status.');

export const httpGetSchema = withRules(httpGetShape, headerRules);

type Handlers = Partial<Record<ProbeKind, unknown>>;

/** Returns true if the probe names a handler. Otherwise one is selected: see `core/probing/handler-selection.ts`. */
export const namesHandler = (probe: Handlers): boolean =>
  probeKindNames.some((kind) => probe[kind] !== undefined);

/** CEL form of `namesHandler`. */
export const celNamesHandler = (probe: string): string =>
  probeKindNames.map((kind) => `has(${probe}.${kind})`).join(' || ');

const withoutTcp = kindsWhere(({ opensTcp }) => !opensTcp);

/** Returns true if the probe opens a TCP connection. A probe without a handler does: see `core/probing/port-groups.ts`. */
export const dialsTcp = (probe: Handlers | undefined): boolean =>
  withoutTcp.every((kind) => probe?.[kind] === undefined);

/** CEL form of `dialsTcp`, for a probe that is set. */
export const celDialsTcp = (probe: string): string =>
  withoutTcp.map((kind) => `!has(${probe}.${kind})`).join(' && ');

const oneHandler: Rule<Handlers> = {
  holds: (probe) => probeKindNames.filter((kind) => probe[kind] !== undefined).length <= 1,
  cel: `[${probeKindNames.map((kind) => `has(self.${kind})`).join(', ')}].filter(given, given).size() <= 1`,
  message: `probe has more than one handler: keep one of ${probeKindNames.join(', ')}`,
};

/** CEL expression for a time in milliseconds, which the spec has in seconds or in milliseconds. */
const celMs = (field: string, fallback: number): string =>
  `(has(self.${field}Milliseconds) ? self.${field}Milliseconds : ${celOr('self', `${field}Seconds`, fallback)} * 1000)`;

const hasEither = (field: string): string => `(has(self.${field}Seconds) || has(self.${field}Milliseconds))`;

/** A stored resource with a longer timeout is probed with the longest allowed one: see `core/probing/probe-timing.ts`. */
const timeoutRules: readonly AdmissionRule[] = [
  {
    cel: `!${hasEither('timeout')} || ${celMs('timeout', 1)} <= ${celMs('period', 10)}`,
    message:
      'timeoutSeconds or timeoutMilliseconds is greater than the period (default 10 s): lower it, or raise periodSeconds or periodMilliseconds',
    field: 'timeoutSeconds',
  },
  {
    cel: `${celOr('self', 'timeoutSeconds', 1)} <= ${maxTimeoutSeconds}`,
    message: `timeoutSeconds is greater than ${maxTimeoutSeconds}: lower it, because a probe of a server that does not answer uses a probe slot for this time`,
    field: 'timeoutSeconds',
  },
  {
    cel: `!${hasEither('retryPeriod')} || ${celMs('retryPeriod', 0)} <= ${celMs('period', 10)}`,
    message:
      'retryPeriodSeconds or retryPeriodMilliseconds is greater than the period (default 10 s): lower it, because it is the period of the probes that decide about a change',
    field: 'retryPeriodSeconds',
  },
];

type Times = Partial<
  Record<`${(typeof timeFields)[number]}${'Seconds' | 'Milliseconds'}`, number | undefined>
>;

const timeFields = ['period', 'timeout', 'retryPeriod'] as const;

/** Rules that a time is set in one unit. */
const unitRules: readonly Rule<Times>[] = timeFields.map((field) => ({
  holds: (probe) => probe[`${field}Seconds`] === undefined || probe[`${field}Milliseconds`] === undefined,
  cel: `!has(self.${field}Seconds) || !has(self.${field}Milliseconds)`,
  message: `${field}Seconds and ${field}Milliseconds are both set: keep one of them`,
  field: `${field}Milliseconds`,
}));

const milliseconds = z.int32().min(100).max(60_000);

const timing = {
  initialDelaySeconds: seconds
    .min(0)
    .default(0)
    .describe('Seconds between the first appearance of an address and its first probe. 0 to 3600.'),
  periodSeconds: seconds
    .min(1)
    .optional()
    .describe('Seconds between two probes of an address. 1 to 3600. Default: 10.'),
  periodMilliseconds: milliseconds
    .optional()
    .describe('The same in milliseconds, instead of periodSeconds. 100 to 60000.'),
  timeoutSeconds: seconds
    .min(1)
    .optional()
    .describe(
      `Seconds after which a probe fails. At most the period, and at most ${maxTimeoutSeconds}. If a stored resource has a larger value, this maximum is used, and status.handler reports it. Default: 1, or the period if that is shorter.`,
    ),
  timeoutMilliseconds: milliseconds
    .optional()
    .describe('The same in milliseconds, instead of timeoutSeconds. 100 to 60000.'),
  retryPeriodSeconds: seconds
    .min(1)
    .optional()
    .describe(
      'Seconds between two probes of an address while its probes disagree with its health, until a threshold is reached or they agree again. At most the period, which is the default. 1 to 3600.',
    ),
  retryPeriodMilliseconds: milliseconds
    .optional()
    .describe('The same in milliseconds, instead of retryPeriodSeconds. 100 to 60000.'),
  successThreshold: threshold
    .default(1)
    .describe('Consecutive successes after which an unhealthy address is healthy. 1 to 100.'),
  failureThreshold: threshold
    .default(3)
    .describe('Consecutive failures after which a healthy address is unhealthy. 1 to 100.'),
};

/** Schema of each probe kind. A kind of the table without a schema does not compile. */
const kindSchemas = {
  tcpSocket: handler('tcpSocket', {
    host: misplacedText('tcpSocket.host is not supported: the probed addresses come from targets'),
  }).describe(
    'Ready if a TCP connection opens. This shows that the kernel of the server accepts connections, not that the database works. Do not use it for MySQL and MariaDB: they count each such connection as an error of the host, and block the host after max_connect_errors of them. Default if no handler is set and the port is not the well-known port of a database.',
  ),
  httpGet: atomicObject(httpGetSchema),
  icmp: handler('icmp', {}).describe(
    'Ready if the address answers an ICMP echo request. The group of the operator must be in net.ipv4.ping_group_range of its pod (config/components/icmp).',
  ),
  ...databaseProbes,
  disabled: handler('disabled', {}).describe(
    'No probe: every address is published as ready. The status reports the reason ProbeDisabled.',
  ),
} satisfies Readonly<Record<ProbeKind, z.ZodType>>;

const probeShape = {
  ...kindSchemas,
  port: z
    .union([z.int32(), z.string().max(63)])
    .optional()
    .describe(
      'Port to probe. The name or number of an entry in spec.ports selects its targetPort (or the port of the target itself). Any other number is used as given, such as the port of a separate health endpoint. Default: the first TCP port. An alias (mode ExternalName) without ports needs a number.',
    ),
  ...timing,
  exec: misplacedCommand(
    `exec is not supported: the operator runs no commands; use one of ${probeKindNames.join(', ')}`,
  ),
  terminationGracePeriodSeconds: misplacedNumber(
    'terminationGracePeriodSeconds is not supported, because the operator never terminates a server: remove it',
  ),
};

const selectable = probeKindNames.flatMap((kind) => {
  const { port, appProtocols = [] }: ProbeKindTraits = probeKinds[kind];
  return port === undefined ? [] : [{ kind, port, appProtocols }];
});
const byProtocol = selectable.map(({ kind, appProtocols }) => `${kind} for ${inWords(appProtocols, 'and')}`);
const byNumber = selectable.map(
  ({ kind, port }, index) => `${kind} for ${index === 0 ? 'port ' : ''}${port}`,
);

const description = `Readiness probe of each address. Set at most one handler. The timing fields have the names, defaults and meaning of a container readinessProbe. If no handler is set, the probed port selects it. With an appProtocol: ${byProtocol.join(', ')}, tcpSocket for any other. Without one: ${byNumber.join(', ')}, tcpSocket for any other. Always tcpSocket if the operator runs with --auto-select-handler=false. status.handler reports which handler was selected, and why. An alias (mode ExternalName) without ports is probed only if this field is set.`;

/**
 * Reports an unknown field as a problem. It may be a handler of a newer version, which must not silently
 * become a `tcpSocket`.
 */
const unknownField = {
  error: (issue: { readonly code?: string | undefined; readonly keys?: unknown }): string | undefined =>
    issue.code === 'unrecognized_keys'
      ? `probe has an unknown field (${String(issue.keys)}): use one of ${probeKindNames.join(', ')} and the timing fields`
      : undefined,
};

export const probeSchema = withRules(z.strictObject(probeShape, unknownField).describe(description), [
  oneHandler,
  ...unitRules,
  ...timeoutRules,
]);

const portProbeShape = {
  ...probeShape,
  port: misplacedPort(
    'port is not a field of ports[].probe, which probes its own port: remove it, or write spec.probe with this port',
  ),
};

/** Schema of `ports[].probe`. It always probes its own port, so it has no `port`. */
export const portProbeSchema = withRules(
  z
    .strictObject(portProbeShape, unknownField)
    .describe(
      'Probe of this port only. It decides whether an address is ready for this port. If no handler is set, one is selected as for spec.probe.',
    ),
  [oneHandler, ...unitRules, ...timeoutRules],
);
