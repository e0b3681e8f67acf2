import { celIsName, isIp, isName } from './host.ts';
import { celString, type Rule } from './rule.ts';
import type { SpecShape } from './spec-shape.ts';

// Which hosts each mode takes, and what mode ExternalName refuses: a DNS alias has no addresses, ports or probes of
// ours, so a field that would be silently without effect is an error.

type Service = NonNullable<SpecShape['services']>[number];
type Target = SpecShape['targets'][number];

/** A rule that holds in mode ExternalName only; `cel` is negated where a mistake is easier to say. */
const inAlias = (rule: Rule<SpecShape>): Rule<SpecShape> => ({
  ...rule,
  holds: (spec) => spec.mode !== 'ExternalName' || rule.holds(spec),
  cel: `self.mode != 'ExternalName' || ${rule.cel}`,
});

const hostRules: readonly Rule<SpecShape>[] = [
  {
    holds: ({ mode, targets }) => mode !== 'Endpoints' || !targets.some(({ host }) => isName(host)),
    cel: `self.mode != 'Endpoints' || !self.targets.exists(each, ${celIsName('each.host')})`,
    message:
      'targets have a host name where this release takes IP addresses only: give addresses, or use mode: ExternalName for one host name',
    field: 'targets',
  },
  inAlias({
    holds: ({ targets }) => targets.length === 1,
    cel: 'self.targets.size() == 1',
    message: 'targets must hold exactly one host in mode ExternalName: an alias points to one name',
    field: 'targets',
  }),
  inAlias({
    holds: ({ targets }) => !targets.some(({ host }) => isIp(host)),
    cel: '!self.targets.exists(each, isIP(each.host))',
    message:
      'targets must be a DNS name in mode ExternalName, not an IP address: use mode: Endpoints for addresses',
    field: 'targets',
  }),
  inAlias({
    holds: ({ targets }) => !targets.some(({ host }) => isName(host) && host.includes('_')),
    cel: `!self.targets.exists(each, each.host.contains('_') && ${celIsName('each.host')})`,
    message:
      'targets have a host with an underscore, which Kubernetes refuses in an ExternalName Service: use a name without',
    field: 'targets',
  }),
];

const refusedInTarget: readonly {
  readonly field: keyof Target;
  readonly used: (target: Target) => boolean;
  readonly cel: string;
}[] = [
  { field: 'port', used: ({ port }) => port !== 0, cel: 'each.port != 0' },
  { field: 'name', used: ({ name }) => name !== undefined, cel: 'has(each.name)' },
  { field: 'zone', used: ({ zone }) => zone !== undefined, cel: 'has(each.zone)' },
  { field: 'drain', used: ({ drain }) => drain, cel: 'each.drain' },
];

const targetRules = refusedInTarget.map(({ field, used, cel }) =>
  inAlias({
    holds: ({ targets }) => !targets.some(used),
    cel: `!self.targets.exists(each, ${cel})`,
    message: `targets[].${field} has no effect in mode ExternalName: remove it`,
    field: 'targets',
  }),
);

const portRules: readonly Rule<SpecShape>[] = [
  inAlias({
    holds: ({ ports }) => (ports ?? []).every(({ port, targetPort = port }) => targetPort === port),
    cel: '!has(self.ports) || self.ports.all(each, !has(each.targetPort) || each.targetPort == each.port)',
    message: 'ports[].targetPort must equal port in mode ExternalName: an alias translates nothing',
    field: 'ports',
  }),
  inAlias({
    holds: ({ ports }) => (ports ?? []).every(({ nodePort }) => nodePort === undefined),
    cel: '!has(self.ports) || !self.ports.exists(each, has(each.nodePort))',
    message: 'ports[].nodePort has no effect in mode ExternalName: remove it',
    field: 'ports',
  }),
  inAlias({
    holds: ({ ports }) =>
      (ports ?? []).every(({ probe }) => probe === undefined || probe.disabled !== undefined),
    cel: '!has(self.ports) || !self.ports.exists(each, has(each.probe) && !has(each.probe.disabled))',
    message: 'ports[].probe cannot probe an alias in this release: remove it, or write disabled: {}',
    field: 'ports',
  }),
  inAlias({
    holds: ({ probe }) => probe === undefined || probe.disabled !== undefined,
    cel: '!has(self.probe) || has(self.probe.disabled)',
    message: 'probe cannot probe an alias in this release: remove it, or write disabled: {}',
    field: 'probe',
  }),
];

/** What is left of a Service of type ExternalName: name, labels, annotations, adopt. */
const refusedInService = [
  'clusterIP',
  'ipFamilies',
  'ipFamilyPolicy',
  'sessionAffinity',
  'sessionAffinityConfig',
  'internalTrafficPolicy',
  'externalTrafficPolicy',
  'trafficDistribution',
  'externalIPs',
  'loadBalancerClass',
  'loadBalancerSourceRanges',
  'selector',
] as const satisfies readonly (keyof Service)[];

const refusedWhenSet: readonly {
  readonly field: keyof Service;
  readonly used: (service: Service) => boolean;
  readonly cel: string;
}[] = [
  { field: 'type', used: ({ type }) => type !== 'ClusterIP', cel: `each.type != ${celString('ClusterIP')}` },
  { field: 'headless', used: ({ headless }) => headless, cel: 'each.headless' },
  {
    field: 'publishNotReadyAddresses',
    used: (service) => service.publishNotReadyAddresses,
    cel: 'each.publishNotReadyAddresses',
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
    message: `services[].${field} has no effect in mode ExternalName: remove it`,
    field: 'services',
  }),
);

export const modeRules: readonly Rule<SpecShape>[] = [
  ...hostRules,
  ...targetRules,
  ...portRules,
  ...serviceRules,
];
