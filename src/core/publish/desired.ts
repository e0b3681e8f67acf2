import type { Backend, ServiceSpec } from '../../api/external-backend.ts';
import type { AppliedService } from '../kubernetes/action.ts';
import { addressPolicy, type AddressPolicy } from '../resolution/address-policy.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { ExclusionReason } from '../probing/address-reasons.ts';
import { checkId, type PortGroup } from '../probing/port-groups.ts';
import { subsetsOf } from './endpoints.ts';
import { admitExternalIps, type RefusedExternalIp } from './external-ips.ts';
import { familiesOf, servedFamilies } from './ip-families.ts';
import type { EndpointSlice, EndpointSubset, Family, Service } from '../kubernetes/objects.ts';
import type { ActiveFallback } from './none-ready.ts';
import { choosePort, type PortChoice, type PortChoiceInput } from './port-choice.ts';
import { publishedAddresses } from './published-addresses.ts';
import { isDrainedIn } from '../resolution/origins.ts';
import { readinessOf, type HealthOf } from '../health/readiness.ts';
import { isOneServer, type Roles } from '../roles/primary-election.ts';
import { maintainedReadiness, yieldingIn, type Yielding } from './maintenance-readiness.ts';
import { keptService, serviceBody } from './service-body.ts';
import { anyReady, membersOf } from './service-members.ts';
import { sliceGroups } from './slice-groups.ts';
import type { SliceGroup } from './slices.ts';
import { compareTiers, tiersOf, type Tier } from './tiers.ts';

/** One Service as it should be, with the addresses that it publishes. */
export interface DesiredService {
  readonly name: string;
  /** Spec without external IPs that the address policy refuses. */
  readonly spec: ServiceSpec;
  readonly refusedExternalIps: readonly RefusedExternalIp[];
  readonly headless: boolean;
  readonly body: AppliedService;
  /** Empty for an alias. */
  readonly groups: readonly SliceGroup[];
  /** Undefined: there is to be no Endpoints object. */
  readonly subsets: readonly EndpointSubset[] | undefined;
  /** Empty for an alias. */
  readonly addresses: readonly BackendAddress[];
  /**
   * IPs of the one server that a Service of role Primary publishes, including those of families that the
   * Service does not have.
   */
  readonly server: ReadonlySet<string>;
  /** Every port has a ready address. */
  readonly available: boolean;
  /** `whenNoneReady`, while a port publishes addresses because of it; undefined: none does. */
  readonly fallback?: ActiveFallback;
  /** Tier that it uses, if its addresses have several: the worst one of its ports. */
  readonly tier?: Tier;
  /** Ready addresses that are not published, because their tier is not in use. */
  readonly standby: ReadonlySet<BackendAddress>;
  /** Tiers with a ready address (tiers.ts); empty if there is only one. */
  readonly readyTiers: readonly string[];
  /** Milliseconds after which it changes only because time passes; undefined: never. */
  readonly afterMs?: number;
  /** Addresses that it does not publish, whatever their health. */
  readonly excluded: ReadonlyMap<BackendAddress, ExclusionReason>;
  /** Addresses that a maintenance window drains, and that it would publish otherwise. */
  readonly yielding: Yielding;
}

export interface DesiredInput {
  readonly backend: Backend;
  readonly addresses: readonly BackendAddress[];
  readonly groups: readonly PortGroup[];
  readonly healthOf: HealthOf;
  readonly legacyEndpoints: boolean;
  readonly roles: Roles;
  /** Host that an alias points to; undefined in mode Endpoints. */
  readonly alias: string | undefined;
  /** Returns the observed Service of that name, if it is ours or to be taken over. */
  readonly observedService: (service: string) => Service | undefined;
  /** Returns the observed slices of a Service of that name that are ours. Default: none. */
  readonly observedSlices?: (service: string) => readonly EndpointSlice[];
  /** Since when tiers have been ready, and the time now (monotonic milliseconds). Default: since now. */
  readonly tiers?: PortChoiceInput['tiers'];
  /** Admission of external IPs. Default: that without flags. */
  readonly policy?: AddressPolicy;
}

/** Returns the Services of a backend as they should be now. */
export function desiredServices(input: DesiredInput): readonly DesiredService[] {
  const isReady = readyTable(input);
  const { backend, policy = addressPolicy(), tiers = { since: new Map(), now: 0 } } = input;
  const shared = { ...input, tiers, tierOf: tiersOf(input.addresses) };
  return servicesOf(backend).map((given, i) => {
    const { spec, refused } = admitExternalIps(backend, given, i, policy);
    const desired = desiredService({ ...shared, isReady: (...of) => isReady(spec, ...of) }, spec);
    return { ...desired, refusedExternalIps: refused };
  });
}

/** Input of one Service, before its addresses are chosen. */
type Whole = DesiredInput & PortChoiceInput;

/**
 * Computes the readiness of every address once for all Services. An address may be ready in some Services
 * alone, because of `readyIn` of core/health/thresholds.ts, or because targets drain it for one role (origins.ts).
 */
function readyTable({ groups, addresses, healthOf, roles }: DesiredInput) {
  const readyEntries = (group: PortGroup) => (address: BackendAddress) => {
    const health = healthOf(checkId(group, address));
    const { ready } = readinessOf(group, address, () => health);
    return ready ? [[address, health?.readyIn] as const] : [];
  };
  const ready = new Map(groups.map((group) => [group, new Map(addresses.flatMap(readyEntries(group)))]));
  return ({ name, role }: ServiceSpec, group: PortGroup, address: BackendAddress): boolean => {
    const readyIn = ready.get(group);
    if (readyIn?.has(address) !== true || isDrainedIn(address, role, roles.isGiven(address))) return false;
    return readyIn.get(address)?.has(name) ?? true;
  };
}

/** Returns the Services of the spec; without a list, one that is named after the resource. */
export function servicesOf(backend: Pick<Backend, 'name' | 'spec'>): readonly ServiceSpec[] {
  return backend.spec.services ?? [{ ...plainService, name: backend.name }];
}

const plainService: Omit<ServiceSpec, 'name'> = {
  role: 'Any',
  fallbackToPrimary: false,
  type: 'ClusterIP',
  headless: false,
  publishNotReadyAddresses: false,
  whenNoneReady: 'Empty',
  adopt: false,
};

function desiredService(whole: Whole, spec: ServiceSpec): Omit<DesiredService, 'refusedExternalIps'> {
  if (whole.alias !== undefined) return desiredAlias(whole, spec, whole.alias);
  const observed = whole.observedService(spec.name);
  const published = publishedAddresses(whole.observedSlices?.(spec.name) ?? []);
  const { addresses, excluded } = membersOf(whole, spec, observed, published);
  const maintained = maintainedReadiness({ ...whole, addresses }, spec);
  const input = { ...whole, addresses, isReady: maintained.isReady };
  const choices = input.groups.map((group) => ({ group, ...choosePort(group, spec, input, published) }));
  const groups = choices.flatMap(({ group, ...choice }) => sliceGroups(group, spec, input, choice));
  return {
    name: spec.name,
    spec,
    headless: spec.headless,
    body: serviceBody(input.backend, spec, familiesOf(addresses), observed, undefined),
    groups,
    subsets: input.legacyEndpoints && spec.selector === undefined ? subsetsOf(groups) : undefined,
    addresses,
    server: new Set(spec.role === 'Primary' ? serverOf(addresses, whole.addresses) : []),
    available: groups.length > 0 && input.groups.every((group) => anyReady(group, input)),
    ...fallbackIn(spec, choices),
    ...tierIn(choices),
    excluded,
    yielding: yieldingIn(maintained, choices),
  };
}

const fallbackIn = (
  { whenNoneReady }: ServiceSpec,
  choices: readonly PortChoice[],
): Pick<DesiredService, 'fallback'> =>
  whenNoneReady !== 'Empty' && choices.some(({ kept }) => kept.length > 0) ? { fallback: whenNoneReady } : {};

/** Joins the tiers of all ports. */
function tierIn(
  choices: readonly PortChoice[],
): Pick<DesiredService, 'tier' | 'standby' | 'readyTiers' | 'afterMs'> {
  const tier = choices
    .flatMap((choice) => choice.tier ?? [])
    .toSorted(compareTiers)
    .at(-1);
  const waits = choices.flatMap(({ afterMs }) => afterMs ?? []);
  return {
    standby: new Set(choices.flatMap(({ standby }) => standby)),
    readyTiers: choices.flatMap(({ readyTiers }) => readyTiers),
    ...(tier && { tier }),
    ...(waits.length > 0 && { afterMs: Math.min(...waits) }),
  };
}

/** Returns a Service of type ExternalName, which has no endpoints. */
const desiredAlias = (
  { backend, observedService }: Whole,
  spec: ServiceSpec,
  alias: string,
): Omit<DesiredService, 'refusedExternalIps'> => ({
  name: spec.name,
  spec,
  headless: false,
  body: serviceBody(backend, spec, [], observedService(spec.name), alias),
  groups: [],
  subsets: undefined,
  addresses: [],
  server: new Set(),
  available: true,
  standby: new Set(),
  readyTiers: [],
  excluded: new Map(),
  yielding: new Map(),
});

/**
 * Returns the IPs of the server that has these addresses. A change of families does not make it another
 * server.
 */
function serverOf(behind: readonly BackendAddress[], all: readonly BackendAddress[]): readonly string[] {
  const namesakes = all.filter(({ host, port }) =>
    behind.some((each) => each.host === host && each.port === port),
  );
  return (isOneServer(namesakes) ? namesakes : behind).map(({ ip }) => ip);
}

/**
 * Returns true if any Service of the backend has the family. Addresses of another family need no probe,
 * because no client can reach them.
 */
export function isFamilyServed(
  backend: Backend,
  family: Family,
  observedService: (service: string) => Service | undefined,
): boolean {
  return servicesOf(backend).some(
    (spec) =>
      servedFamilies(spec, [], keptService(backend, spec, observedService(spec.name)))?.includes(family) ??
      true,
  );
}
