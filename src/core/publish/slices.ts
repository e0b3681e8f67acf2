import type { Action } from '../kubernetes/action.ts';
import {
  isReadyEndpoint,
  type Endpoint,
  type EndpointPort,
  type EndpointSlice,
} from '../kubernetes/objects.ts';
import { createSlice, deletion, groupKey, updateSlice } from './slice-bodies.ts';
import type { SliceOwner, SliceTemplate } from './slice-bodies.ts';
import { addsEndpoints, endpointKey, layOut, type SliceDraft } from './slice-layout.ts';
import { step, type PlanStep } from '../kubernetes/plan-step.ts';
import { markedIn } from './slice-readiness.ts';

/** Endpoints of one Service that may share a slice: one address family and one set of ports. */
export interface SliceGroup extends SliceTemplate {
  readonly endpoints: readonly Endpoint[];
}

export interface SliceContext extends SliceOwner {
  readonly maxEndpoints: number;
  /** IPs of that server, including those of families that the Service does not have. */
  readonly server?: ReadonlySet<string>;
  /** Names of other clients' slices. */
  readonly taken?: readonly string[];
  /** Steps that every write needs. */
  readonly needs?: readonly PlanStep[];
}

export interface SlicePlan {
  /** Creates and updates; for an exclusive Service also the deletes that come before the Service. */
  readonly writes: readonly PlanStep[];
  /** Those of them that add an address which another slice loses. */
  readonly carriers: readonly PlanStep[];
  /**
   * Returns writes that remove slices, or take an address that another slice gains. They come last, so that
   * the Service is never without endpoints.
   *
   * @param service steps that must be written before an address leaves for a port of another name
   */
  readonly leaving: (service: readonly PlanStep[]) => readonly PlanStep[];
  /** True: this is the first half, which removes addresses. The other half is planned after it is written. */
  readonly again: boolean;
}

/**
 * Plans the writes of slices and their dependencies. `moved` addresses are lost by one slice and are, or will
 * be, in another one (other port name, appProtocol or targetPort; a smaller slice). `gone` addresses are
 * desired in no slice. Carriers are slices that gain moved addresses.
 *
 * | write                                           | order                                          | needs                                            | instead, if held back or refused     |
 * |-------------------------------------------------|------------------------------------------------|--------------------------------------------------|--------------------------------------|
 * | marks (conditions, names, labels)               | first, if an address remains ready; else third, and those that make one ready before others | nothing | –                |
 * | gains                                           | second                                         | nothing                                          | the same slice without what it gains |
 * | loses only gone addresses                       | third                                          | nothing                                          | –                                    |
 * | loses moved addresses, or is removed with them  | last, after the Service                        | their carriers; the Service if port names change | moved addresses remain, marked (if the port number changes, never as ready again); gone ones are removed |
 * | is removed, and has only gone addresses or none | last                                           | nothing                                          | –                                    |
 *
 * An exclusive Service that loses a server and gains another one never shows both:
 *
 * | write                                         | order  | needs            |
 * |-----------------------------------------------|--------|------------------|
 * | loses gone addresses, or is removed with them | first  | nothing          |
 * | the same of a slice that also has moved ones  | first, the moved ones remain; the rest is planned after that is written | nothing          |
 * | has no addresses, and is not the only slice   | first: it is removed | nothing |
 * | gains                                         | second | all of the above |
 *
 * A late write of a former leader never shows a second server, whatever was in flight when its term ended. The
 * former leader may have been about to add its server to a slice without addresses, so that this slice is removed
 * first, and a new slice is created without addresses (`emptyFirst`). One case remains: it was replacing the server
 * of the only slice, and the next leader keeps the server and adds a slice for other ports or another family.
 *
 * If the servers remain and other things change (port name, appProtocol, slice size, family), it is written
 * like any other Service.
 */
export function planSlices(
  groups: readonly SliceGroup[],
  observed: readonly EndpointSlice[],
  context: SliceContext,
): SlicePlan {
  const names = new Set([...(context.taken ?? []), ...observed.map((slice) => slice.metadata.name)]);
  const inputs = { ...sliceInputsOf(groups, observed, context), names };
  const drafts = draftsOf(groups, observed, inputs);
  const joins = inputs.exclusive === true && drafts.some(({ cell }) => addsEndpoints(cell));
  const yielding = drafts.filter(
    (draft) => (inputs.isSwitch && losesGone(draft, inputs)) || (joins && isVacant(draft)),
  );
  const isSplit = yielding.some(({ moved }) => moved.length > 0);
  const first = yielding.flatMap((draft) => yieldStep(draft, inputs));
  if (isSplit) return { writes: first, carriers: [], leaving: () => [], again: true };
  const rest = drafts.filter((draft) => !yielding.includes(draft));
  return { ...restOf(rest, first, inputs), again: false };
}

/** Returns true for a slice that has no addresses and gets none. */
const isVacant = ({ cell }: Draft): boolean =>
  cell.slice !== undefined && cell.endpoints.length === 0 && cell.lost.length === 0;

/** Writes the slice without the servers that leave an exclusive Service. */
const yieldStep = (draft: Draft, inputs: SliceInputs): readonly PlanStep[] =>
  draft.moved.length > 0
    ? steps(remainder(draft, draft.moved, inputs), inputs.needs)
    : steps(
        whole(draft, inputs),
        inputs.needs,
        addsEndpoints(draft.cell) ? remainder(draft, [], inputs) : undefined,
      );

function restOf(
  drafts: readonly Draft[],
  first: readonly PlanStep[],
  inputs: SliceInputs,
): Omit<SlicePlan, 'again'> {
  const { needs = [] } = inputs;
  const leaves = ({ cell, moved }: Draft): boolean => moved.length > 0 || cell.endpoints.length === 0;
  const marks = ({ cell }: Draft): boolean => inputs.staysReady && cell.lost.length === 0;
  const others = drafts.filter(({ cell }) => !addsEndpoints(cell));
  // If none remains ready, the next ones are ready before the last ones are not.
  const staying = others
    .filter((draft) => !leaves(draft))
    .toSorted((a, b) => opens(b, inputs) - opens(a, inputs));
  const leavers = others.filter(leaves);
  const plain = (all: readonly Draft[]) => all.flatMap((draft) => steps(whole(draft, inputs), needs));
  const gained = drafts
    .filter(({ cell }) => addsEndpoints(cell))
    .flatMap((draft) =>
      steps(whole(draft, inputs), [...needs, ...first], remainder(draft, [], inputs)).map((each) => ({
        step: each,
        ips: new Set(gainedBy(draft.cell)),
      })),
    );
  const carriersOf = (moved: readonly string[]): readonly PlanStep[] =>
    gained.filter(({ ips }) => moved.some((ip) => ips.has(ip))).map((each) => each.step);
  return {
    writes: [
      ...plain(staying.filter(marks)),
      ...first,
      ...gained.map((each) => each.step),
      ...plain(staying.filter((draft) => !marks(draft))),
    ],
    carriers: carriersOf(leavers.flatMap(({ moved }) => moved)),
    leaving: (service) =>
      leavers.flatMap((draft) => {
        const { moved } = draft;
        if (moved.length === 0) return steps(whole(draft, inputs), needs);
        const all = [...needs, ...carriersOf(moved), ...service];
        return steps(whole(draft, inputs), all, remainder(draft, moved, inputs));
      }),
  };
}

const steps = (
  action: Action | undefined,
  needs: readonly PlanStep[] = [],
  instead?: Action,
): readonly PlanStep[] => (action === undefined ? [] : [step(action, needs, instead)]);

/** Returns 1 if an address of the slice becomes ready before others of the Service may not be, else 0. */
function opens({ cell: { slice, endpoints } }: Draft, { exclusive }: SliceContext): 0 | 1 {
  if (exclusive === true) return 0;
  const ready = new Set((slice?.endpoints ?? []).filter(isReadyEndpoint).map(endpointKey));
  return endpoints.some((each) => isReadyEndpoint(each) && !ready.has(endpointKey(each))) ? 1 : 0;
}

/** One slice: its desired content and its group. */
interface Draft {
  readonly cell: SliceDraft;
  readonly template: SliceTemplate;
  /** Addresses that it loses, and that another slice has or gains. */
  readonly moved: readonly string[];
}

interface SliceInputs extends SliceContext {
  /** Addresses of all groups with their endpoints; the worst endpoint if several groups have the address. */
  readonly desired: ReadonlyMap<string, Endpoint>;
  readonly nameOf: ReadonlyMap<string, readonly string[]>;
  /** IPs that a group publishes although they are not ready. */
  readonly notReady: ReadonlySet<string>;
  /** Address and port numbers of each endpoint, to which verdicts apply. */
  readonly places: ReadonlySet<string>;
  /** An exclusive Service loses a server and gains one that no slice has. */
  readonly isSwitch: boolean;
  /** An address that is ready now remains ready. */
  readonly staysReady: boolean;
  readonly names: Set<string>;
}

function draftsOf(
  groups: readonly SliceGroup[],
  observed: readonly EndpointSlice[],
  inputs: SliceInputs,
): readonly Draft[] {
  const isOnly = observed.length === 1 && groups.length === 1;
  const isUsable = ({ endpoints }: EndpointSlice): boolean =>
    inputs.exclusive !== true || isOnly || (endpoints ?? []).length > 0;
  const [usable, unusable] = [true, false].map((is) =>
    byName(observed).filter((slice) => isUsable(slice) === is),
  );
  const byKey = Map.groupBy(usable ?? [], (slice) => groupKey(slice.addressType, slice.ports ?? []));
  const desired = new Set(inputs.desired.keys());
  const options = {
    max: inputs.maxEndpoints,
    separateAddsFromRemoves: inputs.isSwitch && observed.length > 1,
    desired,
  };
  const laid = groups.flatMap((template) => {
    const key = groupKey(template.family, template.ports);
    const slices = byKey.get(key) ?? [];
    byKey.delete(key);
    return layOut(template.endpoints, slices, options).map((cell) => ({ cell, template }));
  });
  const all = [...laid, ...[...byKey.values(), ...(unusable ?? [])].flat().map(orphan)];
  return all.map((draft) => ({ ...draft, moved: draft.cell.lost.filter((ip) => desired.has(ip)) }));
}

const gainedBy = ({ endpoints, kept }: SliceDraft): readonly string[] =>
  endpoints.slice(kept).map(endpointKey);

/** Returns the draft of a slice whose group is no longer desired. */
const orphan = (slice: EndpointSlice): Omit<Draft, 'moved'> => ({
  cell: { slice, endpoints: [], kept: 0, lost: (slice.endpoints ?? []).map(endpointKey) },
  template: { family: slice.addressType === 'IPv6' ? 'IPv6' : 'IPv4', ports: slice.ports ?? [] },
});

function sliceInputsOf(
  groups: readonly SliceGroup[],
  observed: readonly EndpointSlice[],
  context: SliceContext,
): Omit<SliceInputs, 'names'> {
  const desired = new Map<string, Endpoint>();
  for (const endpoint of groups.flatMap(({ endpoints }) => endpoints)) {
    const other = desired.get(endpointKey(endpoint));
    if (other === undefined || isReadyEndpoint(other)) desired.set(endpointKey(endpoint), endpoint);
  }
  const before = observed.flatMap((slice) => slice.endpoints ?? []);
  const published = new Set(before.map(endpointKey));
  const isGone = [...published].some((ip) => !desired.has(ip) && context.server?.has(ip) !== true);
  const isNew = [...desired.keys()].some((ip) => !published.has(ip));
  return {
    ...context,
    desired,
    nameOf: new Map(groups.flatMap(({ names = [] }) => [...names])),
    notReady: new Set(groups.flatMap(({ notReady = [] }) => [...notReady])),
    places: new Set(groups.flatMap(({ endpoints, ports }) => endpoints.map((each) => placeOf(each, ports)))),
    isSwitch: context.exclusive === true && isGone && isNew,
    staysReady: before.some((old) => {
      const next = desired.get(endpointKey(old));
      return isReadyEndpoint(old) && next !== undefined && isReadyEndpoint(next);
    }),
  };
}

const losesGone = ({ cell }: Draft, { desired }: SliceInputs): boolean =>
  cell.lost.some((ip) => !desired.has(ip));

/** Returns the write of the slice as desired; undefined: nothing to write. */
function whole({ cell, template }: Omit<Draft, 'moved'>, inputs: SliceInputs): Action | undefined {
  if (cell.slice === undefined) return createSlice(cell.endpoints, template, inputs, inputs.names);
  if (cell.endpoints.length === 0) return deletion(cell.slice);
  return updateSlice(cell.endpoints, cell.slice, template, inputs);
}

/**
 * Returns the write of the slice with what it keeps and `moved`, and without what it gains; undefined:
 * nothing to write.
 */
function remainder(
  { cell, template }: Draft,
  moved: readonly string[],
  inputs: SliceInputs,
): Action | undefined {
  if (cell.slice === undefined) return undefined;
  const before = new Map((cell.slice.endpoints ?? []).map((each) => [endpointKey(each), each]));
  const stay = moved.flatMap((ip) => marked(inputs.desired.get(ip), before.get(ip), template.ports, inputs));
  const endpoints = [...cell.endpoints.slice(0, cell.kept), ...stay];
  const { family, ports } = template;
  const marks = markedIn(cell.slice);
  const left = stay.map(endpointKey).filter((ip) => inputs.notReady.has(ip) || marks.has(ip));
  const notReady = new Set([...(template.notReady ?? []), ...left]);
  return updateSlice(endpoints, cell.slice, { family, ports, names: inputs.nameOf, notReady }, inputs);
}

const placeOf = (endpoint: Endpoint, ports: readonly EndpointPort[]): string =>
  [endpointKey(endpoint), ...ports.map(({ port }) => port).toSorted((a, b) => a - b)].join(' ');

/**
 * Returns a moved address for the slice that it leaves. No probe has found it healthy at the port of that
 * slice.
 */
function marked(
  desired: Endpoint | undefined,
  is: Endpoint | undefined,
  ports: readonly EndpointPort[],
  { places }: SliceInputs,
): readonly Endpoint[] {
  if (desired === undefined) return [];
  const isBelieved = places.has(placeOf(desired, ports)) || is === undefined || isReadyEndpoint(is);
  if (isBelieved) return [desired];
  const { hints: _, ...others } = desired;
  return [{ ...others, conditions: is.conditions ?? {} }];
}

const byName = (slices: readonly EndpointSlice[]): readonly EndpointSlice[] =>
  slices.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
