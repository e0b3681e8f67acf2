import type { Backend } from '../../api/external-backend.ts';
import type { DesiredService } from './desired.ts';
import type { Remedy } from '../errors.ts';
import type { AddressPolicy } from '../resolution/address-policy.ts';
import type { AliasPolicy } from '../resolution/alias-policy.ts';
import { refusedExternalIpText } from './external-ips.ts';
import type { Endpoints, EndpointSlice, KubeObject, Service } from '../kubernetes/objects.ts';
import {
  annotations,
  belongsTo,
  hasController,
  isApiServerService,
  isOurEndpoints,
  isOurSlice,
  kubernetesSliceManagers,
  labels,
  ownerName,
} from '../kubernetes/ownership.ts';
import { switchedOffText, switchedOffUses, type SwitchedOff } from './service-features.ts';

/** Objects under the name of a Service. */
export interface Observed {
  readonly service: Service | undefined;
  /** All slices with the Service's name, ours or not. */
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: Endpoints | undefined;
}

export interface PlanContext {
  readonly backend: Backend;
  /**
   * Name of the backend that has this Service name and claims it too (see `oldestClaimant`); undefined: the claim is
   * ours.
   */
  readonly olderClaimant: string | undefined;
  readonly maxEndpointsPerSlice: number;
  /** Another client keeps changing the Service: it is not repaired yet. */
  readonly held?: boolean;
  /**
   * Message of the API server: the Service must be deleted and created again for its spec, and the new one is
   * refused. Default: it is not known.
   */
  readonly replacementRefused?: string;
  /** Features that the administrator disabled; default: none. */
  readonly switchedOff?: SwitchedOff;
  /** Admission of external IPs of a Service that is not written. Default: none is removed. */
  readonly policy?: AddressPolicy;
  /** Admission of the host of an alias that is not written. Default: it remains. */
  readonly aliasPolicy?: AliasPolicy;
}

/** Reasons why a Service is not (fully) written as desired, and whether they last until a person acts. */
export const problemReasons = {
  Conflict: 'stalls',
  NameClaimed: 'stalls',
  FeatureDisabled: 'stalls',
  ReplacementRefused: 'stalls',
  Adopting: 'passes',
  Terminating: 'passes',
  Contested: 'stalls',
  Altered: 'stalls',
  ExternalIPsRefused: 'stalls',
} as const satisfies Readonly<Record<string, Remedy>>;

export interface Problem {
  readonly service: string;
  readonly reason: keyof typeof problemReasons;
  readonly message: string;
  /** True if the Service is ours all the same, and publishes our addresses. */
  readonly published: boolean;
}

/** Owners of the objects under the name of a Service. */
export interface OwnershipState {
  readonly service: 'none' | 'ours' | 'foreign' | 'controlled';
  /** The Service is being deleted, and a finalizer keeps it. */
  readonly isTerminating: boolean;
  readonly foreignEndpoints: boolean;
  /**
   * Written by hand or by another operator. Slices of Kubernetes' own controllers are not among them, because
   * they depend on other objects.
   */
  readonly foreignSlices: readonly EndpointSlice[];
  /** The Service is of another backend, which lost or gave up its claim. */
  readonly isOfOtherBackend: boolean;
  /** Objects of other clients under the name become ours. */
  readonly isAdopting: boolean;
  /** The Service has, or recently had, a selector: what Kubernetes' controllers left must be removed. */
  readonly needsCleanup: boolean;
}

/** Returns the owners of the observed objects, and which objects become ours. */
export function inspectOwnership(
  desired: DesiredService,
  observed: Observed,
  context: PlanContext,
): OwnershipState {
  const service = ownerOfService(observed.service, context.backend.name);
  const hadSelector = Object.keys(observed.service?.spec.selector ?? {}).length > 0;
  const pending = observed.service?.metadata.annotations?.[annotations.sweep] === 'pending';
  const isAdopting = desired.spec.adopt && service !== 'ours';
  const needsCleanup =
    desired.spec.selector === undefined && (pending || hadSelector || (isAdopting && service === 'foreign'));
  const endpoints = observed.endpoints;
  return {
    service,
    isTerminating: isEnding(observed.service),
    isOfOtherBackend: isOfSibling(observed.service, context.backend.name),
    isAdopting,
    needsCleanup,
    foreignEndpoints:
      endpoints !== undefined && !isOurEndpoints(endpoints) && !isLeftover(endpoints, needsCleanup),
    foreignSlices: observed.slices.filter((slice) => !isOurSlice(slice) && !isKubernetes(slice)),
  };
}

const isEnding = (service: Service | undefined): boolean => service?.metadata.deletionTimestamp !== undefined;

function ownerOfService(service: Service | undefined, backend: string): OwnershipState['service'] {
  if (service === undefined) return 'none';
  if (isOurs(service, backend)) return 'ours';
  return hasController(service) ? 'controlled' : 'foreign';
}

/**
 * Returns true for an object of this backend, or of another one that no longer claims the name. The claim
 * decides, not the previous owner.
 */
const isOurs = (object: KubeObject, backend: string): boolean =>
  belongsTo(object, backend) || ownerName(object) !== undefined;

const isOfSibling = (service: Service | undefined, backend: string): boolean =>
  service !== undefined && isOurs(service, backend) && !belongsTo(service, backend);

const isKubernetes = (slice: EndpointSlice): boolean =>
  kubernetesSliceManagers.includes(slice.metadata.labels?.[labels.sliceManagedBy] ?? '');

/** Returns true for Endpoints that the endpoints controller wrote for a selector that was removed. */
const isLeftover = (endpoints: Endpoints, sweep: boolean): boolean =>
  sweep || endpoints.metadata.labels?.[labels.endpointsManagedBy] === 'endpoint-controller';

/**
 * Returns why the Service is not fully written; undefined: it is. The first row that holds in the table of
 * `planService`.
 */
export function problemOf(
  desired: DesiredService,
  ownership: OwnershipState,
  context: PlanContext,
): Problem | undefined {
  const isReserved = isApiServerService(context.backend.namespace, desired.name);
  const cause = isReserved
    ? conflict(
        `Service ${desired.name} in namespace default belongs to the Kubernetes API server and is never changed; ${rename}`,
      )
    : (foreignCause(desired, ownership, context) ??
      featureCause(desired, ownership, context) ??
      replacementCause(desired, context) ??
      stateCause(desired, ownership, context));
  if (cause === undefined) return ofExternalIps(desired);
  const published = ownership.service === 'ours' && context.olderClaimant === undefined && !isReserved;
  return { service: desired.name, ...cause, published };
}

type Cause = Pick<Problem, 'reason' | 'message'>;

const rename = 'choose another name in spec.services';

const conflict = (message: string): Cause => ({ reason: 'Conflict', message });

/** Returns how to take over a Service, or the objects under its name; or why it is not possible. */
function adoptionText({ name }: DesiredService, { backend, switchedOff }: PlanContext, it: string): string {
  const uses = switchedOffUses(backend, name, switchedOff).filter(({ feature }) => feature === 'Adopt');
  return uses.length > 0
    ? `delete ${it}; ${switchedOffText(uses)}`
    : `delete ${it}, or set services[].adopt: true to take ${it} over`;
}

/** Returns a problem if the Service belongs to another owner. */
function foreignCause(
  desired: DesiredService,
  ownership: OwnershipState,
  context: PlanContext,
): Cause | undefined {
  const name = `Service ${desired.name}`;
  if (context.olderClaimant !== undefined)
    return {
      reason: 'NameClaimed',
      message: `${name} already belongs to ExternalBackend ${context.olderClaimant}; ${rename}`,
    };
  if (ownership.service === 'controlled')
    return conflict(`${name} exists and is controlled by another resource; ${rename}`);
  return ownership.service === 'foreign' && !ownership.isAdopting
    ? conflict(
        `${name} already exists and is not managed by this ExternalBackend; ${adoptionText(desired, context, 'it')}`,
      )
    : undefined;
}

/**
 * Returns a problem if the Service uses a disabled feature. Taking over is judged elsewhere, because it
 * depends on the existing objects.
 */
function featureCause(
  { name }: DesiredService,
  { service }: OwnershipState,
  context: PlanContext,
): Cause | undefined {
  const uses = switchedOffUses(context.backend, name, context.switchedOff);
  const missing = uses.filter(({ feature }) => feature !== 'Adopt');
  const what = service === 'none' ? 'is not created' : 'is not changed';
  return missing.length === 0
    ? undefined
    : {
        reason: 'FeatureDisabled',
        message: `${switchedOffText(missing)}: Service ${name} ${what} until this field is removed`,
      };
}

/** Returns a problem if the Service remains as it is, because the API server refuses the one that replaces it. */
const replacementCause = (
  { name }: DesiredService,
  { replacementRefused }: PlanContext,
): Cause | undefined =>
  replacementRefused === undefined
    ? undefined
    : {
        reason: 'ReplacementRefused',
        message: `Service ${name} must be deleted and created again for its spec, and the API server refuses the new one, so that it remains as it was: ${replacementRefused}; correct spec.services`,
      };

/** Returns a problem if the Service may be written, but an existing object prevents it. */
function stateCause(
  desired: DesiredService,
  ownership: OwnershipState,
  context: PlanContext,
): Cause | undefined {
  const name = `Service ${desired.name}`;
  const others = foreignObjects(desired, ownership);
  if (others !== '' && !desired.spec.adopt)
    return conflict(
      `${others} of ${name} already exist and are not managed by this ExternalBackend; ${adoptionText(desired, context, 'them')}`,
    );
  if (ownership.isTerminating)
    return {
      reason: 'Terminating',
      message: `${name} is being deleted; it will be created again after its finalizers are removed (see its metadata.finalizers)`,
    };
  return waitsForReadyAddress(desired, ownership, others)
    ? { reason: 'Adopting', message: `waiting for a ready address before taking over the existing ${name}` }
    : undefined;
}

/** Returns true while a Service that is to be taken over waits for a ready address of ours. */
function waitsForReadyAddress(
  { spec, available }: DesiredService,
  ownership: OwnershipState,
  others: string,
): boolean {
  const takes = ownership.isAdopting
    ? ownership.service === 'foreign' || others !== ''
    : ownership.isOfOtherBackend;
  return spec.adopt && takes && !available;
}

/** The Service is written without external IPs that the address policy refuses. */
function ofExternalIps({ name, refusedExternalIps }: DesiredService): Problem | undefined {
  if (refusedExternalIps.length === 0) return undefined;
  const all = refusedExternalIps.map(refusedExternalIpText).join('; ');
  return {
    service: name,
    reason: 'ExternalIPsRefused',
    message: `${all}. Service ${name} is published without ${refusedExternalIps.length === 1 ? 'it' : 'them'}`,
    published: true,
  };
}

function foreignObjects(desired: DesiredService, ownership: OwnershipState): string {
  const endpoints = ownership.foreignEndpoints && desired.spec.selector === undefined ? ['Endpoints'] : [];
  return [...endpoints, ...(ownership.foreignSlices.length > 0 ? ['EndpointSlices'] : [])].join(' and ');
}
