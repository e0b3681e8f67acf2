import { parseIp } from './ip.ts';
import { celOr, type Rule } from './rule.ts';

const celType = celOr('self', 'type', 'ClusterIP');
const celHeadless = celOr('self', 'headless', false);
const celRole = celOr('self', 'role', 'Any');

/** Fields of a Service entry that have rules with each other. */
interface ServiceFields {
  readonly role: string;
  readonly maxLagSeconds?: number | undefined;
  readonly fallbackToPrimary: boolean;
  readonly whenNoneReady: string;
  readonly publishNotReadyAddresses: boolean;
  readonly type: string;
  readonly headless: boolean;
  readonly clusterIP?: string | undefined;
  readonly ipFamilies?: readonly string[] | undefined;
  readonly ipFamilyPolicy?: string | undefined;
  readonly sessionAffinity?: string | undefined;
  readonly sessionAffinityConfig?: unknown;
  readonly externalTrafficPolicy?: string | undefined;
  readonly externalIPs?: readonly string[] | undefined;
  readonly loadBalancerClass?: string | undefined;
  readonly loadBalancerSourceRanges?: readonly string[] | undefined;
}

/** Rules of fields that have no effect with the role. */
const ofRole: readonly Rule<ServiceFields>[] = [
  {
    holds: ({ role, fallbackToPrimary }) => !fallbackToPrimary || role === 'Replica',
    cel: `!${celOr('self', 'fallbackToPrimary', false)} || ${celRole} == 'Replica'`,
    message:
      'fallbackToPrimary needs role: Replica, because it uses the primary instead of replicas: set the role, or remove fallbackToPrimary',
    field: 'fallbackToPrimary',
  },
  {
    holds: ({ role, maxLagSeconds }) => role !== 'Primary' || maxLagSeconds === undefined,
    cel: `${celRole} != 'Primary' || !has(self.maxLagSeconds)`,
    message:
      'maxLagSeconds has no effect with role: Primary, because a primary has no lag: remove it, or set another role',
    field: 'maxLagSeconds',
  },
];

/** Rules of fields that have no effect together. */
const ofReadiness: readonly Rule<ServiceFields>[] = [
  {
    holds: ({ whenNoneReady, publishNotReadyAddresses }) =>
      whenNoneReady === 'Empty' || !publishNotReadyAddresses,
    cel: `${celOr('self', 'whenNoneReady', 'Empty')} == 'Empty' || !${celOr('self', 'publishNotReadyAddresses', false)}`,
    message:
      'whenNoneReady has no effect with publishNotReadyAddresses, which always publishes every address: remove one of them',
    field: 'whenNoneReady',
  },
];

/**
 * Rules of `ValidateService` of the API server. Here they are reported when the user writes the resource, not
 * when the operator writes the Service.
 */
const ofKubernetes: readonly Rule<ServiceFields>[] = [
  {
    holds: ({ headless, type }) => !headless || type === 'ClusterIP',
    cel: `!${celHeadless} || ${celType} == 'ClusterIP'`,
    message: 'headless needs type: ClusterIP (the default): remove headless or type',
    field: 'headless',
  },
  {
    holds: ({ headless, clusterIP }) => !headless || clusterIP === undefined,
    cel: `!${celHeadless} || !has(self.clusterIP)`,
    message: 'clusterIP cannot be set on a headless Service: remove clusterIP, or headless',
    field: 'clusterIP',
  },
  {
    holds: ({ clusterIP, ipFamilies }) => sameFamily(clusterIP, ipFamilies?.[0]),
    cel: "!has(self.clusterIP) || !has(self.ipFamilies) || self.ipFamilies.size() == 0 || !isIP(self.clusterIP) || (ip(self.clusterIP).family() == 4) == (self.ipFamilies[0] == 'IPv4')",
    message: 'clusterIP is not of the first family in ipFamilies: change one of them',
    field: 'clusterIP',
  },
  {
    holds: ({ ipFamilies, ipFamilyPolicy }) =>
      (ipFamilies?.length ?? 0) < 2 || (ipFamilyPolicy ?? 'SingleStack') !== 'SingleStack',
    cel: "!has(self.ipFamilies) || self.ipFamilies.size() < 2 || (has(self.ipFamilyPolicy) && self.ipFamilyPolicy != 'SingleStack')",
    message: 'ipFamilyPolicy must be PreferDualStack or RequireDualStack if ipFamilies has two families',
    field: 'ipFamilyPolicy',
  },
  {
    holds: ({ sessionAffinity, sessionAffinityConfig }) =>
      sessionAffinityConfig === undefined || sessionAffinity === 'ClientIP',
    cel: "!has(self.sessionAffinityConfig) || (has(self.sessionAffinity) && self.sessionAffinity == 'ClientIP')",
    message: 'sessionAffinityConfig needs sessionAffinity: ClientIP',
    field: 'sessionAffinityConfig',
  },
  {
    holds: ({ externalTrafficPolicy, externalIPs, type }) =>
      externalTrafficPolicy === undefined || type !== 'ClusterIP' || externalIPs !== undefined,
    cel: `!has(self.externalTrafficPolicy) || ${celType} != 'ClusterIP' || has(self.externalIPs)`,
    message:
      'externalTrafficPolicy needs type NodePort or LoadBalancer, or externalIPs, because otherwise no traffic comes from outside',
    field: 'externalTrafficPolicy',
  },
  {
    holds: ({ loadBalancerClass, type }) => loadBalancerClass === undefined || type === 'LoadBalancer',
    cel: `!has(self.loadBalancerClass) || ${celType} == 'LoadBalancer'`,
    message: 'loadBalancerClass needs type: LoadBalancer',
    field: 'loadBalancerClass',
  },
  {
    holds: ({ loadBalancerSourceRanges, type }) =>
      loadBalancerSourceRanges === undefined || type === 'LoadBalancer',
    cel: `!has(self.loadBalancerSourceRanges) || ${celType} == 'LoadBalancer'`,
    message: 'loadBalancerSourceRanges needs type: LoadBalancer',
    field: 'loadBalancerSourceRanges',
  },
];

export const serviceRules = [...ofRole, ...ofReadiness, ...ofKubernetes];

function sameFamily(clusterIp: string | undefined, family: string | undefined): boolean {
  const ip = clusterIp === undefined ? undefined : parseIp(clusterIp);
  return ip === undefined || family === undefined || (ip.family === 'IPv4') === (family === 'IPv4');
}
