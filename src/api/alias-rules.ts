import { celIsName, celIsServiceRecord, isIp, isName, isServiceRecord } from './host.ts';
import { celIsLocalName, isLocalName } from './local-names.ts';
import { celDialsTcp, dialsTcp } from './probe.ts';
import { celOr, celString, type Rule } from './rule.ts';
import { passThroughFields } from './service.ts';
import type { SpecShape } from './spec-shape.ts';

// Rules of the hosts that each mode accepts, and of the fields that mode ExternalName refuses. A DNS alias
// has no addresses and no ports that the operator manages, so a field that would silently have no effect is
// an error.
//
// | host                  | mode Endpoints                               | mode ExternalName |
// |-----------------------|----------------------------------------------|-------------------|
// | IP address            | yes                                          | no                |
// | name of one label, `db` | yes, with the operator's search list       | no; `db.` is complete |
// | name that ends in .svc | yes                                         | no                |
// | localhost, or a name that is read as an address (local-names.ts) | yes, and its addresses are refused | no |
// | name                  | yes                                          | yes               |
// | name with underscores | yes                                          | no                |
// | _service._proto.name  | with one port in ports and no targets[].port | no                |

type Service = NonNullable<SpecShape['services']>[number];
type Target = SpecShape['targets'][number];

/** Returns the rule for mode ExternalName only. `cel` is negated if a mistake is easier to express. */
const inAlias = (rule: Rule<SpecShape>): Rule<SpecShape> => ({
  ...rule,
  holds: (spec) => spec.mode !== 'ExternalName' || rule.holds(spec),
  cel: `self.mode != 'ExternalName' || ${rule.cel}`,
});

/**
 * An SRV record contains the port of each address. Therefore the spec can neither set another port nor decide
 * between two.
 */
const serviceRecordRules: readonly Rule<SpecShape>[] = [
  {
    holds: ({ mode, targets, ports }) =>
      mode !== 'Endpoints' ||
      ports === undefined ||
      ports.length < 2 ||
      !targets.some(({ host }) => isServiceRecord(host)),
    cel: `self.mode != 'Endpoints' || !has(self.ports) || self.ports.size() < 2 || !self.targets.exists(each, ${celIsServiceRecord('each.host')})`,
    message:
      'targets[].host may have the form _service._proto.name only if the backend has one port, because its SRV record has one port for each address: keep one entry in ports, or create one ExternalBackend for each port',
    field: 'targets',
  },
  {
    holds: ({ mode, targets }) =>
      mode !== 'Endpoints' || !targets.some(({ host, port }) => port !== 0 && isServiceRecord(host)),
    cel: `self.mode != 'Endpoints' || !self.targets.exists(each, ${celOr('each', 'port', 0)} != 0 && ${celIsServiceRecord('each.host')})`,
    message:
      'targets[].port has no effect if the host has the form _service._proto.name, because its SRV record has the ports: remove it',
    field: 'targets',
  },
];

/** Matches the name of a Service of the cluster without the cluster domain. */
const partialName = '[.][sS][vV][cC][.]?$';
const isPartial = new RegExp(partialName);

const hostRules: readonly Rule<SpecShape>[] = [
  inAlias({
    holds: ({ targets }) => !targets.some(({ host }) => isIp(host)),
    cel: '!self.targets.exists(each, isIP(each.host))',
    message:
      'targets must be DNS names in mode ExternalName, not IP addresses: use mode: Endpoints for IP addresses',
    field: 'targets',
  }),
  inAlias({
    holds: ({ targets }) => !targets.some(({ host }) => isName(host) && host.includes('_')),
    cel: `!self.targets.exists(each, each.host.contains('_') && ${celIsName('each.host')})`,
    message:
      'targets have a host with an underscore, which Kubernetes refuses in an ExternalName Service: use a name without underscores, or mode: Endpoints',
    field: 'targets',
  }),
  // A CNAME is absolute for every client: no search list is added, and not that of the operator either.
  inAlias({
    holds: ({ targets }) =>
      !targets.some(({ host }) => isName(host) && !host.includes('.') && !isLocalName(host)),
    cel: `!self.targets.exists(each, !each.host.contains('.') && ${celIsName('each.host')} && !${celIsLocalName('each.host')})`,
    message:
      'targets have a host without a dot, which clients of an alias cannot resolve, because they add no search list to a CNAME: write the full name, such as db.example.com or db.shop.svc.cluster.local (db. if the name servers have db itself)',
    field: 'targets',
  }),
  inAlias({
    holds: ({ targets }) => !targets.some(({ host }) => isName(host) && isLocalName(host)),
    cel: `!self.targets.exists(each, ${celIsName('each.host')} && ${celIsLocalName('each.host')})`,
    message:
      "targets have a host that means each client's own machine, or that clients read as an address (localhost, a name below it or below localdomain, a last label 0x…): write the server's own name, or use mode: Endpoints with its address",
    field: 'targets',
  }),
  inAlias({
    holds: ({ targets }) => !targets.some(({ host }) => isPartial.test(host)),
    cel: `!self.targets.exists(each, each.host.matches(${celString(partialName)}))`,
    message:
      'targets have a host that ends in .svc, which clients of an alias cannot resolve, because they add no search list to a CNAME: add the cluster domain, such as db.shop.svc.cluster.local',
    field: 'targets',
  }),
];

const noEffect = (field: string, because: string): string =>
  `${field} has no effect in mode ExternalName, ${because}: remove it`;

const refusedInTarget: readonly {
  readonly field: keyof Target;
  readonly used: (target: Target) => boolean;
  readonly cel: string;
  readonly because: string;
}[] = [
  {
    field: 'port',
    used: ({ port }) => port !== 0,
    cel: `${celOr('each', 'port', 0)} != 0`,
    because: 'because an alias translates no ports',
  },
  {
    field: 'name',
    used: ({ name }) => name !== undefined,
    cel: 'has(each.name)',
    because: 'because an alias publishes no addresses',
  },
  {
    field: 'zone',
    used: ({ zone }) => zone !== undefined,
    cel: 'has(each.zone)',
    because: 'because an alias publishes no addresses',
  },
  {
    field: 'priority',
    used: ({ priority }) => priority !== 0,
    cel: `${celOr('each', 'priority', 0)} != 0`,
    because: 'because the order of targets is the order of preference',
  },
  {
    field: 'role',
    used: ({ role }) => role !== undefined,
    cel: 'has(each.role)',
    because: 'because an alias has no Services with a role',
  },
];

const targetRules = refusedInTarget.map(({ field, used, cel, because }) =>
  inAlias({
    holds: ({ targets }) => !targets.some(used),
    cel: `!self.targets.exists(each, ${cel})`,
    message: noEffect(`targets[].${field}`, because),
    field: 'targets',
  }),
);

const portRules: readonly Rule<SpecShape>[] = [
  inAlias({
    holds: ({ ports }) => (ports ?? []).every(({ port, targetPort = port }) => targetPort === port),
    cel: '!has(self.ports) || self.ports.all(each, !has(each.targetPort) || each.targetPort == each.port)',
    message: 'ports[].targetPort must equal port in mode ExternalName, because an alias translates no ports',
    field: 'ports',
  }),
  inAlias({
    holds: ({ ports }) => (ports ?? []).every(({ nodePort }) => nodePort === undefined),
    cel: '!has(self.ports) || !self.ports.exists(each, has(each.nodePort))',
    message: noEffect('ports[].nodePort', 'because an alias opens no port on the nodes'),
    field: 'ports',
  }),
  // Without ports there is no default port to probe.
  inAlias({
    holds: ({ ports, probe }) =>
      ports !== undefined || probe === undefined || !dialsTcp(probe) || typeof probe.port === 'number',
    cel: `has(self.ports) || !has(self.probe) || !(${celDialsTcp('self.probe')}) || (has(self.probe.port) && type(self.probe.port) == int)`,
    message:
      'probe.port must be a number, such as 5432, if mode ExternalName has no ports: set probe.port, or set ports',
    field: 'probe.port',
  }),
];

/** Fields that a Service of type ExternalName does not have. It has name, labels, annotations and adopt. */
const refusedInService = [
  'maxLagSeconds',
  'clusterIP',
  'ipFamilies',
  'ipFamilyPolicy',
  ...passThroughFields,
] as const satisfies readonly (keyof Service)[];

const refusedWhenSet: readonly {
  readonly field: keyof Service;
  readonly used: (service: Service) => boolean;
  readonly cel: string;
}[] = [
  {
    field: 'type',
    used: ({ type }) => type !== 'ClusterIP',
    cel: `${celOr('each', 'type', 'ClusterIP')} != 'ClusterIP'`,
  },
  // This also refuses `fallbackToPrimary`, which needs the role Replica.
  { field: 'role', used: ({ role }) => role !== 'Any', cel: `${celOr('each', 'role', 'Any')} != 'Any'` },
  { field: 'headless', used: ({ headless }) => headless, cel: celOr('each', 'headless', false) },
  {
    field: 'publishNotReadyAddresses',
    used: (service) => service.publishNotReadyAddresses,
    cel: celOr('each', 'publishNotReadyAddresses', false),
  },
  {
    field: 'whenNoneReady',
    used: ({ whenNoneReady }) => whenNoneReady !== 'Empty',
    cel: `${celOr('each', 'whenNoneReady', 'Empty')} != 'Empty'`,
  },
  ...refusedInService.map((field) => ({
    field,
    used: (service: Service) => service[field] !== undefined,
    cel: `has(each.${field})`,
  })),
];

const serviceRules = refusedWhenSet.map(({ field, used, cel }) =>
  inAlias({
    holds: ({ services }) => !(services ?? []).some(used),
    cel: `!has(self.services) || !self.services.exists(each, ${cel})`,
    message: noEffect(`services[].${field}`, 'because clients connect to the server directly'),
    field: 'services',
  }),
);

export const modeRules: readonly Rule<SpecShape>[] = [
  ...serviceRecordRules,
  ...hostRules,
  ...targetRules,
  ...portRules,
  ...serviceRules,
];
