import { z } from 'zod';
import { databaseProbes } from './database-probes.ts';
import { handler, misplacedInHandler } from './handler.ts';
import { celIsName, isIp, isName } from './host.ts';
import { misplacedCommand, misplacedNumber, misplacedPort, misplacedText, wholePart } from './part.ts';
import { mostHeaderCharacters, mostHeaders, mostTimeoutSeconds } from './limits.ts';
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
    cel: `!has(self.httpHeaders) || self.httpHeaders.size() <= ${mostHeaders}`,
    message: `httpHeaders has more than ${mostHeaders} headers: keep those that the health endpoint needs`,
    field: 'httpHeaders',
  },
  {
    cel: `!has(self.httpHeaders) || self.httpHeaders.map(each, each.name.size() + each.value.size()).sum() <= ${mostHeaderCharacters}`,
    message: `httpHeaders has more than ${mostHeaderCharacters} characters in all its names and values: shorten the values`,
    field: 'httpHeaders',
  },
];

const httpGetShape = z
  .object({
    path: withRules(z.string().max(2048), [
      matches(
        '^/[!-~]*$',
        'path must start with / and hold no spaces or control characters: percent-encode them',
      ),
    ])
      .default('/')
      .describe('Path, with the query if there is one.'),
    scheme: z
      .enum(['HTTP', 'HTTPS'])
      .default('HTTP')
      .describe('HTTPS verifies the certificate unless insecureSkipVerify is true.'),
    host: hostHeader
      .optional()
      .describe(
        'Overrides the Host header and the TLS server name. It does not change which address is asked. Default: the host of the target.',
      ),
    httpHeaders: z
      .array(httpHeader)
      .max(32)
      .optional()
      .meta({
        description: `Headers of the request; a name may occur again. At most ${mostHeaders}, and ${mostHeaderCharacters} characters in all names and values.`,
        'x-kubernetes-list-type': 'atomic',
      }),
    expectedStatuses: z.array(z.int32().min(100).max(599)).min(1).max(32).optional().meta({
      description:
        'The status codes that say the server is ready. Default: 200 to 399, as the kubelet has it.',
      'x-kubernetes-list-type': 'atomic',
    }),
    insecureSkipVerify: z
      .boolean()
      .default(false)
      .describe(
        'True takes any certificate: the probe then shows that something answers, not that it is the right server.',
      ),
    ...misplacedInHandler('httpGet'),
  })
  .describe('Ready when an HTTP GET answers with an expected status.');

export const httpGetSchema = withRules(httpGetShape, headerRules);

/** Handlers of a probe. */
export const handlers = [
  'tcpSocket',
  'httpGet',
  'icmp',
  'postgres',
  'mysql',
  'redis',
  'mongodb',
  'tls',
  'grpc',
  'disabled',
] as const;

type Handlers = Partial<Record<(typeof handlers)[number], unknown>>;

/** Whether the probe says how to ask; otherwise that is chosen, see `core/handlers.ts`. */
export const namesHandler = (probe: Handlers): boolean =>
  handlers.some((handler) => probe[handler] !== undefined);

/** Twin of `namesHandler`. */
export const celNamesHandler = (probe: string): string =>
  handlers.map((handler) => `has(${probe}.${handler})`).join(' || ');

/** Handlers that open a TCP connection; no handler at all is one of them, see `core/checks.ts`. */
export const dialsTcp = (probe: Handlers | undefined): boolean =>
  probe?.icmp === undefined && probe?.disabled === undefined;

/** Twin of `dialsTcp` for a probe that is there. */
export const celDialsTcp = (probe: string): string => `!has(${probe}.icmp) && !has(${probe}.disabled)`;

const oneHandler: Rule<Handlers> = {
  holds: (probe) => handlers.filter((handler) => probe[handler] !== undefined).length <= 1,
  cel: `[${handlers.map((handler) => `has(self.${handler})`).join(', ')}].filter(given, given).size() <= 1`,
  message: `probe has more than one handler: keep one of ${handlers.join(', ')}`,
};

const timeout = celOr('self', 'timeoutSeconds', 1);

/** A resource that was stored with a longer timeout is probed with the longest one: see `core/checks.ts`. */
const timeoutRules: readonly AdmissionRule[] = [
  {
    cel: `${timeout} <= ${celOr('self', 'periodSeconds', 10)}`,
    message:
      'timeoutSeconds is greater than periodSeconds (10 where it is left out): lower it, or raise periodSeconds',
    field: 'timeoutSeconds',
  },
  {
    cel: `${timeout} <= ${mostTimeoutSeconds}`,
    message: `timeoutSeconds is greater than ${mostTimeoutSeconds}: lower it, because a probe of a silent server holds its place for so long`,
    field: 'timeoutSeconds',
  },
];

const timing = {
  initialDelaySeconds: seconds
    .min(0)
    .default(0)
    .describe('Seconds between the first sight of an address and its first probe. 0 to 3600.'),
  periodSeconds: seconds.min(1).default(10).describe('Seconds between two probes of an address. 1 to 3600.'),
  timeoutSeconds: seconds
    .min(1)
    .default(1)
    .describe(
      `Seconds after which a probe has failed. At most periodSeconds, and at most ${mostTimeoutSeconds}. Of a resource that was stored with more, so much counts, and status.handler reports it.`,
    ),
  successThreshold: threshold
    .default(1)
    .describe('Successes in a row that make an unhealthy address healthy. 1 to 100.'),
  failureThreshold: threshold
    .default(3)
    .describe('Failures in a row that make a healthy address unhealthy. 1 to 100.'),
};

const probeShape = {
  tcpSocket: handler('tcpSocket', {
    host: misplacedText('tcpSocket.host is no field: the addresses that are probed come from targets'),
  }).describe(
    'Ready when a TCP connection opens: the kernel of the server accepts, which proves nothing about the database. Not for MySQL and MariaDB, which count it as an error of the host and block the host after max_connect_errors of them. The default where no handler is given and the port is not the well-known port of a database.',
  ),
  httpGet: wholePart(httpGetSchema),
  icmp: handler('icmp', {}).describe(
    'Ready when the address answers an ICMP echo request. The group of the operator must be in net.ipv4.ping_group_range of its pod (config/components/icmp).',
  ),
  ...databaseProbes,
  disabled: handler('disabled', {}).describe(
    'No probe: every address is published as ready. The reason in the status is ProbeDisabled.',
  ),
  port: z
    .union([z.int32(), z.string().max(63)])
    .optional()
    .describe(
      'What is dialled. A name or number of spec.ports: its targetPort (or the port of the target itself). Any other number: as it is, such as a health endpoint next to the database. Default: the first TCP port. An alias (mode ExternalName) without ports needs a number.',
    ),
  ...timing,
  exec: misplacedCommand(
    `exec is no handler: the operator runs no commands; use one of ${handlers.join(', ')}`,
  ),
  terminationGracePeriodSeconds: misplacedNumber(
    'terminationGracePeriodSeconds is no field of a probe of servers, which the operator never ends: remove it',
  ),
};

const description =
  'How each address is asked whether it is ready: at most one handler, and numbers with the names, defaults and meaning of a container readinessProbe. Default: the handler is chosen by the port that is dialled. With an appProtocol: postgres for postgresql and postgres, mysql for mysql and mariadb, redis for redis, mongodb for mongodb and mongo, tcpSocket for any other. Without one: postgres for port 5432, mysql for 3306, redis for 6379, mongodb for 27017, tcpSocket for any other. Always tcpSocket where the operator runs with --auto-select-handler=false. status.handler reports which and why. An alias (mode ExternalName) without ports is not probed unless this is given.';

/** A handler of a newer version must be a problem, and not silently a `tcpSocket`. */
const unknownField = {
  error: (issue: { readonly code?: string | undefined; readonly keys?: unknown }): string | undefined =>
    issue.code === 'unrecognized_keys'
      ? `probe has an unknown field (${String(issue.keys)}): use one of ${handlers.join(', ')} and the timing fields`
      : undefined,
};

export const probeSchema = withRules(z.strictObject(probeShape, unknownField).describe(description), [
  oneHandler,
  ...timeoutRules,
]);

const portProbeShape = {
  ...probeShape,
  port: misplacedPort(
    'port is no field of ports[].probe, which probes its own port: remove it, or write spec.probe with this port',
  ),
};

/** `ports[].probe`: of the port it stands in, so it names none. */
export const portProbeSchema = withRules(
  z
    .strictObject(portProbeShape, unknownField)
    .describe(
      'A probe of this port alone: it decides whether an address is ready for this port. Without a handler one is chosen as for spec.probe.',
    ),
  [oneHandler, ...timeoutRules],
);
