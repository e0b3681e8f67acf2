import { touchesSlice, type Action } from '../../core/kubernetes/action.ts';
import type { DesiredService } from '../../core/publish/desired.ts';
import type { OperatorError } from '../../core/errors.ts';
import { withHeldAddresses, isEmptyIn, placesOf } from '../../core/publish/held-addresses.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { isOurSlice } from '../../core/kubernetes/ownership.ts';
import type { ServicePlan } from '../../core/publish/plan.ts';
import type { Roles } from '../../core/roles/primary-election.ts';
import { repairPatch } from '../../core/publish/service-repair.ts';
import type { Flapping } from './flapping.ts';
import { isOver, applyAll, type FailedWrite } from './apply.ts';
import {
  desiredOf,
  observedObjects,
  planOf,
  removalsOf,
  type RefusedAddresses,
  type PlanningOptions,
} from './plan-services.ts';
import type { Writer } from '../ports.ts';
import type { Clock, Random } from '../../util/clock.ts';
import type { Refusals } from './refusals.ts';
import { addressesIn, refusedAddresses, type AddressWrite } from './refused-search.ts';
import type { AliasDecision } from './alias-decision.ts';
import type { ReconcileInputs } from './inputs.ts';
import type { ReadyTiers } from './tier-times.ts';
import type { RefusedReplacement } from './replacements.ts';
import type { UnstoredWrites } from './unstored-writes.ts';

/** Result of one run for the Services of a backend. */
export interface Publication {
  readonly desired: readonly DesiredService[];
  /** Last plans, of which all steps were tried. */
  readonly plans: readonly ServicePlan[];
  readonly failed: readonly FailedWrite[];
  /** Failed writes under names that are no longer in the spec. */
  readonly kept: readonly FailedWrite[];
  /** True when a removed Service has released a node port or a cluster IP. */
  readonly freed: boolean;
  /** Services that were not replaced, because the API server refuses the new one. */
  readonly unreplaced: readonly RefusedReplacement[];
  /** Number of slices that were written. */
  readonly sliceWrites: number;
  /**
   * Set when additions of Services wait for the next round of a flapping backend; `isEmpty`: one of these
   * Services has no ready address.
   */
  readonly waiting: { readonly isEmpty: boolean } | undefined;
}

/** Rounds for both halves of a plan and a few refusals in succession. The next run continues after that. */
const MAX_ROUNDS = 6;

export interface PublishingOptions extends PlanningOptions {
  readonly clock: Clock;
  /** Spreads the retries of refused addresses. Default: none. */
  readonly random?: Random;
}

/**
 * Writes the desired Services of a backend, as far as the API server accepts them. Addresses that it refuses
 * are found, remembered and left out, so that they do not block others.
 */
export async function publish(
  inputs: ReconcileInputs,
  { roles, alias, refusals, unstored, flapping, tiers }: Circumstances,
  writer: Writer,
  options: PublishingOptions,
): Promise<Publication> {
  const storing = unstored.writer(writer, options);
  const removals = removalsOf(inputs.backend, options, alias?.withdraws);
  const removing = applyAll(writer, removals);
  let sliceWrites = 0;
  for (let round = 1; ; round += 1) {
    const at = options.clock.now();
    const desired = desiredOf(inputs, roles, alias, options, tiers.at(at));
    tiers.update(desired, at);
    const { now, waiting } = openServices(inputs, desired, flapping, options);
    const plans = now.map((service) =>
      planOf(inputs, service, options, leftOut(refusals, service.name, options.clock.now())),
    );
    unstored.retain(plans);
    const writes = plans
      .flatMap(({ steps }) => steps)
      .filter(({ action }) => touchesSlice(action) && !unstored.isKnown(action, options)).length;
    sliceWrites += writes;
    flapping.wrote(writes, options.clock.now());
    const halves = await applyAll(
      storing,
      plans.map(({ steps }) => steps),
    );
    const isHalf = plans.some(({ again }, i) => again && halves[i]?.length === 0);
    const lists = await performOthers(storing, plans, halves);
    const learned = await recordRefusals(inputs, desired, lists, refusals, writer, options);
    const isEdited = desired.some(
      (service, i) =>
        halves[i]?.length === 0 && isEditedMeanwhile(inputs, service, plans[i], unstored, options),
    );
    const isFreed = await hasFreed(plans, lists, {
      unstored,
      options,
      removing: removals.flat().length > 0 && round === 1 ? removing : undefined,
    });
    if ((isHalf || learned || isEdited || isFreed) && round < MAX_ROUNDS) continue;
    flapping.end();
    for (const service of desired) forget(inputs, service, refusals, options);
    const kept = (await removing).flat();
    const freed = removals.flat().length > 0 && kept.length === 0;
    const reviewed = desired.flatMap((service, i) => {
      const objects = observedObjects(inputs.backend.namespace, service.name, options.cache);
      return (plans[i] && unstored.review(plans[i], service, objects)) ?? [];
    });
    const failed = lists.flat();
    const unreplaced = unreplacedIn(failed);
    return { desired, plans: reviewed, failed, kept, freed, unreplaced, sliceWrites, waiting };
  }
}

/** Returns the refused Services of checks before a replacement. */
const unreplacedIn = (failed: readonly FailedWrite[]): readonly RefusedReplacement[] =>
  isOver(failed)
    ? []
    : failed.flatMap(({ action, error }) =>
        action.op === 'creatable' ? [{ service: action.service.metadata.name, error }] : [],
      );

/**
 * Returns true when the API server refused to replace a Service, while another Service of the backend was written
 * or removed. That one may have had the node port or the cluster IP, which is free now.
 */
async function hasFreed(
  plans: readonly ServicePlan[],
  lists: readonly (readonly FailedWrite[])[],
  { unstored, options, removing }: ReleaseSources,
): Promise<boolean> {
  if (!unreplacedIn(lists.flat()).some(({ error }) => error.kind === 'terminal')) return false;
  const isRemoved = removing !== undefined && (await removing).flat().length === 0;
  const isWritten = ({ steps }: ServicePlan, i: number): boolean =>
    lists[i]?.length === 0 &&
    steps.some(({ action }) => isServiceWrite(action) && !unstored.isKnown(action, options));
  return isRemoved || plans.some(isWritten);
}

interface ReleaseSources {
  readonly unstored: UnstoredWrites;
  readonly options: PublishingOptions;
  /** Removals of Services; undefined: there are none, or they ended before. */
  readonly removing: Promise<readonly (readonly FailedWrite[])[]> | undefined;
}

const isServiceWrite = ({ op }: Action): boolean => op === 'applyService' || op === 'setService';

/**
 * Returns true when another client edited a Service just before the last write to it. The answer to the write
 * contains the edit, so no later watch event starts a run for it.
 */
function isEditedMeanwhile(
  { backend }: ReconcileInputs,
  { name, body }: DesiredService,
  plan: ServicePlan | undefined,
  unstored: UnstoredWrites,
  options: PublishingOptions,
): boolean {
  const isWritten = plan?.steps.some(({ action }) => isServiceWrite(action));
  const { service } = observedObjects(backend.namespace, name, options.cache);
  if (isWritten !== true || service === undefined) return false;
  const repair = repairPatch(service, body);
  return repair !== undefined && !unstored.isKnown(repair, options);
}

/**
 * Performs the steps that do not depend on the first half of a switch that failed. Returns the failed writes
 * of each Service.
 */
async function performOthers(
  writer: Writer,
  plans: readonly ServicePlan[],
  failed: readonly (readonly FailedWrite[])[],
): Promise<readonly (readonly FailedWrite[])[]> {
  const others = plans.map(({ otherwise = [] }, i) => {
    const errors = failed[i] ?? [];
    return errors.length > 0 && !isOver(errors) ? otherwise : [];
  });
  const more = await applyAll(writer, others);
  return failed.map((list, i) => [...list, ...(more[i] ?? [])]);
}

interface Circumstances {
  readonly roles: Roles;
  readonly alias: AliasDecision | undefined;
  readonly refusals: Refusals;
  readonly unstored: UnstoredWrites;
  readonly flapping: Flapping;
  readonly tiers: ReadyTiers;
}

/**
 * Returns the Services as this run may write them: of a flapping backend, without the additions that wait for
 * the next round.
 */
function openServices(
  { backend }: ReconcileInputs,
  desired: readonly DesiredService[],
  flapping: Flapping,
  { cache, clock }: PublishingOptions,
): { readonly now: readonly DesiredService[]; readonly waiting: Publication['waiting'] } {
  const at = clock.now();
  if (!flapping.isLimited(at)) return { now: desired, waiting: undefined };
  const [waiting, opened] = [new Set<boolean>(), new Set<boolean>()];
  const now = desired.map((service) => {
    const { slices } = observedObjects(backend.namespace, service.name, cache);
    const held = withHeldAddresses(service, slices, flapping.accepted.get(service.name));
    if (held === service) return service;
    const isEmpty = isEmptyIn(slices);
    const isOpen = flapping.isOpen(at, isEmpty);
    (isOpen ? opened : waiting).add(isEmpty);
    return isOpen ? service : held;
  });
  for (const service of now) flapping.accepted.set(service.name, placesOf(service));
  for (const isEmpty of opened) flapping.round(at, isEmpty);
  return { now, waiting: waiting.size > 0 ? { isEmpty: waiting.has(true) } : undefined };
}

const leftOut = (refusals: Refusals, service: string, now: number): RefusedAddresses => ({
  slices: refusals.of('EndpointSlice', service, now),
  endpoints: refusals.of('Endpoints', service, now),
});

/** Searches for the addresses because of which writes were refused. Returns true when it found some. */
async function recordRefusals(
  { backend }: ReconcileInputs,
  desired: readonly DesiredService[],
  lists: readonly (readonly FailedWrite[])[],
  refusals: Refusals,
  writer: Writer,
  { cache, clock, random = () => 1 }: PublishingOptions,
): Promise<boolean> {
  const searches = desired.flatMap(({ name }, i) =>
    lastOfEach(lists[i] ?? []).map(async ({ write, error }) => {
      const { slices, endpoints } = observedObjects(backend.namespace, name, cache);
      const objects = [...slices.filter(isOurSlice), ...(endpoints === undefined ? [] : [endpoints])];
      const { kind, metadata } = write.object;
      const same = objects.find((each) => each.kind === kind && each.metadata.name === metadata.name);
      const before = new Set(same && addressesIn(same));
      const elsewhere = new Set(objects.filter((each) => each.kind === kind).flatMap(addressesIn));
      const refused = await refusedAddresses(asUpdate(write, same), error, before, writer);
      // An address that moves between slices remains: the write that removes it there depends on this one.
      const ips = refused.filter((ip) => before.has(ip) || !elsewhere.has(ip));
      refusals.add({ carrier: kind, service: name }, ips, error, { now: clock.now(), random });
      return ips.length > 0;
    }),
  );
  return (await Promise.all(searches)).some(Boolean);
}

/** Returns the write of an object that exists by now: a slice may have been created, and its endpoints refused. */
function asUpdate(write: AddressWrite, stored: KubeObject | undefined): AddressWrite {
  if (write.op === 'update' || stored === undefined) return write;
  const { uid = '', resourceVersion = '' } = stored.metadata;
  const object = { ...write.object, metadata: { ...write.object.metadata, uid, resourceVersion } };
  return { op: 'update', object };
}

/**
 * Returns the refused writes of addresses. Of one object it returns the last write, which had the fewest
 * changes.
 */
function lastOfEach(
  failed: readonly FailedWrite[],
): readonly { readonly write: AddressWrite; readonly error: OperatorError }[] {
  const writes = failed.flatMap(({ action, error }) =>
    (action.op === 'create' || action.op === 'update') && error.kind === 'terminal'
      ? [{ write: action, error }]
      : [],
  );
  return [
    ...new Map(
      writes.map((each) => [`${each.write.object.kind} ${each.write.object.metadata.name}`, each]),
    ).values(),
  ];
}

/** Forgets refusals of addresses that are written now, or are no longer desired. */
function forget(
  { backend }: ReconcileInputs,
  desired: DesiredService,
  refusals: Refusals,
  options: PublishingOptions,
): void {
  const { slices, endpoints } = observedObjects(backend.namespace, desired.name, options.cache);
  const desiredIps = new Set(desired.addresses.map(({ ip }) => ip));
  const inSlices = new Set(slices.filter(isOurSlice).flatMap(addressesIn));
  const inEndpoints = new Set(endpoints && addressesIn(endpoints));
  refusals.retain('EndpointSlice', desired.name, (ip) => desiredIps.has(ip) && !inSlices.has(ip));
  refusals.retain(
    'Endpoints',
    desired.name,
    (ip) => desiredIps.has(ip) && desired.subsets !== undefined && !inEndpoints.has(ip),
  );
}
