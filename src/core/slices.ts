import type { Action } from './action.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from './objects.ts';
import { createSlice, deletion, groupKey, updateSlice } from './slice-bodies.ts';
import type { SliceOwner, SliceTemplate } from './slice-bodies.ts';
import { gains, identity, layOut, type Cell } from './slice-layout.ts';
import { step, type Step } from './step.ts';

/** The endpoints of one Service that may share a slice: one address family and one set of ports. */
export interface SliceGroup extends SliceTemplate {
  readonly endpoints: readonly Endpoint[];
}

export interface SliceContext extends SliceOwner {
  readonly maxEndpoints: number;
  /** One server at a time: what leaves has left before anything joins. */
  readonly exclusive?: boolean;
  /** IPs of that server, with those of families that the Service does not carry. */
  readonly server?: ReadonlySet<string>;
  /** Names of other clients' slices. */
  readonly taken?: readonly string[];
  /** Steps that every write needs. */
  readonly needs?: readonly Step[];
}

export interface SlicePlan {
  /** Creates, updates and, of an exclusive Service, deletes that come before the Service. */
  readonly writes: readonly Step[];
  /** Those of them that carry an address which another slice loses. */
  readonly carriers: readonly Step[];
  /**
   * Slices that go, or lose an address to another slice: they come last, so that no moment is without endpoints.
   *
   * @param service what must be written before an address leaves for a port of another name
   */
  readonly leaving: (service: readonly Step[]) => readonly Step[];
  /** True: this is the first half, in which addresses leave; the other half is planned when it is written. */
  readonly again: boolean;
}

/**
 * Dependencies of the write of a slice. `moved` addresses are lost here and are, or are to be, in another slice (another port
 * name, appProtocol, targetPort; a smaller slice); `gone` ones are desired in no slice. Carriers gain moved ones.
 *
 * | write                                       | comes                       | needs            | instead, when held back or refused      |
 * |---------------------------------------------|-----------------------------|------------------|-----------------------------------------|
 * | marks (conditions, names, labels)           | first, if one remains ready; else third | nothing | –                                       |
 * | gains                                       | second                      | nothing          | the same slice without what it gains    |
 * | loses gone addresses alone                  | third                       | nothing          | –                                       |
 * | loses moved ones, or goes with them         | last, after the Service     | their carriers; the Service where port names change | moved ones stay, marked (where the port number changes, never as ready again); gone ones leave |
 * | goes, and has gone addresses alone or none  | last                        | nothing          | –                                       |
 *
 * An exclusive Service which loses a server and gains another one never shows both:
 *
 * | write                                       | comes                       | needs                             |
 * |---------------------------------------------|-----------------------------|-----------------------------------|
 * | loses gone addresses, or goes with them     | first                       | nothing                           |
 * | the same of a slice that has moved ones too | first, the moved ones stay; the rest is planned when that is written | nothing |
 * | gains                                       | second                      | all of the above                  |
 *
 * With the same servers under other words (port name, appProtocol, slice size, family) it is written like any other.
 */
export function planSlices(
  groups: readonly SliceGroup[],
  observed: readonly EndpointSlice[],
  context: SliceContext,
): SlicePlan {
  const names = new Set([...(context.taken ?? []), ...observed.map((slice) => slice.metadata.name)]);
  const scene = { ...sceneOf(groups, observed, context), names };
  const drafts = draftsOf(groups, observed, scene);
  const yielding = scene.isSwitch ? drafts.filter((draft) => losesGone(draft, scene)) : [];
  const isSplit = yielding.some(({ moved }) => moved.length > 0);
  const first = yielding.flatMap((draft) => yieldStep(draft, scene));
  if (isSplit) return { writes: first, carriers: [], leaving: () => [], again: true };
  const rest = drafts.filter((draft) => !yielding.includes(draft));
  return { ...restOf(rest, first, scene), again: false };
}

/** The slice without the servers that leave an exclusive Service. */
const yieldStep = (draft: Draft, scene: Scene): readonly Step[] =>
  draft.moved.length > 0
    ? steps(remainder(draft, draft.moved, scene), scene.needs)
    : steps(whole(draft, scene), scene.needs, gains(draft.cell) ? remainder(draft, [], scene) : undefined);

function restOf(drafts: readonly Draft[], first: readonly Step[], scene: Scene): Omit<SlicePlan, 'again'> {
  const { needs = [] } = scene;
  const leaves = ({ cell, moved }: Draft): boolean => moved.length > 0 || cell.endpoints.length === 0;
  const marks = ({ cell }: Draft): boolean => scene.staysReady && cell.lost.length === 0;
  const others = drafts.filter(({ cell }) => !gains(cell));
  const staying = others.filter((draft) => !leaves(draft));
  const leavers = others.filter(leaves);
  const plain = (all: readonly Draft[]) => all.flatMap((draft) => steps(whole(draft, scene), needs));
  const gained = drafts
    .filter(({ cell }) => gains(cell))
    .flatMap((draft) =>
      steps(whole(draft, scene), [...needs, ...first], remainder(draft, [], scene)).map((each) => ({
        step: each,
        ips: new Set(gainedBy(draft.cell)),
      })),
    );
  const carriersOf = (moved: readonly string[]): readonly Step[] =>
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
        if (moved.length === 0) return steps(whole(draft, scene), needs);
        const all = [...needs, ...carriersOf(moved), ...service];
        return steps(whole(draft, scene), all, remainder(draft, moved, scene));
      }),
  };
}

const steps = (action: Action | undefined, needs: readonly Step[] = [], instead?: Action): readonly Step[] =>
  action === undefined ? [] : [step(action, needs, instead)];

/** One slice: what it is to be, and of which group. */
interface Draft {
  readonly cell: Cell;
  readonly template: SliceTemplate;
  /** Addresses that it loses, and another slice has or gains. */
  readonly moved: readonly string[];
}

interface Scene extends SliceContext {
  /** The addresses that any group has, with their endpoints: the worst of several groups. */
  readonly desired: ReadonlyMap<string, Endpoint>;
  readonly nameOf: ReadonlyMap<string, readonly string[]>;
  /** Address and port numbers of each of them: what a verdict is about. */
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
  scene: Scene,
): readonly Draft[] {
  const byKey = Map.groupBy(byName(observed), (slice) => groupKey(slice.addressType, slice.ports ?? []));
  const desired = new Set(scene.desired.keys());
  const options = { max: scene.maxEndpoints, apart: scene.isSwitch && observed.length > 1, desired };
  const laid = groups.flatMap((template) => {
    const key = groupKey(template.family, template.ports);
    const slices = byKey.get(key) ?? [];
    byKey.delete(key);
    return layOut(template.endpoints, slices, options).map((cell) => ({ cell, template }));
  });
  const all = [...laid, ...[...byKey.values()].flat().map(orphan)];
  return all.map((draft) => ({ ...draft, moved: draft.cell.lost.filter((ip) => desired.has(ip)) }));
}

const gainedBy = ({ endpoints, kept }: Cell): readonly string[] => endpoints.slice(kept).map(identity);

/** A slice of which no group is desired any more. */
const orphan = (slice: EndpointSlice): Omit<Draft, 'moved'> => ({
  cell: { slice, endpoints: [], kept: 0, lost: (slice.endpoints ?? []).map(identity) },
  template: { family: slice.addressType === 'IPv6' ? 'IPv6' : 'IPv4', ports: slice.ports ?? [] },
});

function sceneOf(
  groups: readonly SliceGroup[],
  observed: readonly EndpointSlice[],
  context: SliceContext,
): Omit<Scene, 'names'> {
  const desired = new Map<string, Endpoint>();
  for (const endpoint of groups.flatMap(({ endpoints }) => endpoints))
    if (desired.get(identity(endpoint))?.conditions?.ready !== false)
      desired.set(identity(endpoint), endpoint);
  const before = observed.flatMap((slice) => slice.endpoints ?? []);
  const standing = new Set(before.map(identity));
  const isGone = [...standing].some((ip) => !desired.has(ip) && context.server?.has(ip) !== true);
  const isNew = [...desired.keys()].some((ip) => !standing.has(ip));
  return {
    ...context,
    desired,
    nameOf: new Map(groups.flatMap(({ names = [] }) => [...names])),
    places: new Set(groups.flatMap(({ endpoints, ports }) => endpoints.map((each) => placeOf(each, ports)))),
    isSwitch: context.exclusive === true && isGone && isNew,
    staysReady: before.some((old) => {
      const next = desired.get(identity(old));
      return isReady(old) && next !== undefined && isReady(next);
    }),
  };
}

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready ?? true;

const losesGone = ({ cell }: Draft, { desired }: Scene): boolean => cell.lost.some((ip) => !desired.has(ip));

/** The slice as it is to be; undefined: nothing to write. */
function whole({ cell, template }: Omit<Draft, 'moved'>, scene: Scene): Action | undefined {
  if (cell.slice === undefined) return createSlice(cell.endpoints, template, scene, scene.names);
  if (cell.endpoints.length === 0) return deletion(cell.slice);
  return updateSlice(cell.endpoints, cell.slice, template, scene);
}

/** The slice with what it keeps and `moved`, without what it gains; undefined: nothing to write. */
function remainder({ cell, template }: Draft, moved: readonly string[], scene: Scene): Action | undefined {
  if (cell.slice === undefined) return undefined;
  const before = new Map((cell.slice.endpoints ?? []).map((each) => [identity(each), each]));
  const stay = moved.flatMap((ip) => marked(scene.desired.get(ip), before.get(ip), template.ports, scene));
  const endpoints = [...cell.endpoints.slice(0, cell.kept), ...stay];
  const { family, ports } = template;
  return updateSlice(endpoints, cell.slice, { family, ports, names: scene.nameOf }, scene);
}

const placeOf = (endpoint: Endpoint, ports: readonly EndpointPort[]): string =>
  [identity(endpoint), ...ports.map(({ port }) => port).toSorted((a, b) => a - b)].join(' ');

/** A moved address in the slice that it leaves: no probe has found it healthy at the port that it is to lose. */
function marked(
  wanted: Endpoint | undefined,
  is: Endpoint | undefined,
  ports: readonly EndpointPort[],
  { places }: Scene,
): readonly Endpoint[] {
  if (wanted === undefined) return [];
  const isBelieved = places.has(placeOf(wanted, ports)) || is === undefined || isReady(is);
  if (isBelieved) return [wanted];
  const { hints: _, ...others } = wanted;
  return [{ ...others, conditions: is.conditions ?? {} }];
}

const byName = (slices: readonly EndpointSlice[]): readonly EndpointSlice[] =>
  slices.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
