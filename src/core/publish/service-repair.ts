import { passThroughFields } from '../../api/service.ts';
import type { Action, AppliedService } from '../kubernetes/action.ts';
import { refOf } from '../kubernetes/action.ts';
import type { OwnerReference, Service, ServicePort } from '../kubernetes/objects.ts';
import { annotations } from '../kubernetes/ownership.ts';
import { releasedFamilies } from './ip-families.ts';
import { portKey } from './service-diff.ts';

/**
 * Returns the merge patch that sets what server-side apply alone does not; undefined: apply is enough. Apply
 * keeps the fields of other managers, and identifies the items of a list by key.
 *
 * | observed                                               | apply alone                                          |
 * |--------------------------------------------------------|------------------------------------------------------|
 * | a port whose number or protocol the spec does not have | keeps both: refused if names are missing or the same |
 * | a port of ours with a name or appProtocol that the spec does not have | keeps them                                           |
 * | a selector that the spec does not have                 | keeps it                                             |
 * | a controller reference to another uid                  | keeps both: refused                                  |
 * | a field of another type (externalName, loadBalancerSourceRanges) | keeps it: refused                                    |
 * | both families of a headless Service that gets a selector | keeps or changes them: refused in a cluster of one family |
 *
 * The patch contains the rest of the spec, because the server validates an object as a whole. It does not
 * contain the fields that the apply sets and removes by itself. If the spec has a selector, only the keys of
 * other clients are removed, so that the Service is never without it.
 */
export function repairPatch(observed: Service, body: AppliedService): Action | undefined {
  const selector = selectorPatch(observed, body);
  const owners = ownersPatch(observed, body);
  const misplaced = misplacedFields(observed, body);
  const ports = hasForeignPorts(observed, body);
  const families = releasedFamilies(observed, body);
  const isNeeded = [selector, owners, misplaced, families].some((part) => part !== undefined);
  if (!isNeeded && !ports) return undefined;
  const mark = (body.metadata['annotations'] as Readonly<Record<string, string>>)[annotations.sweep];
  return {
    op: 'setService',
    // No resourceVersion: the apply after it sets the same, whatever else changed.
    ref: { ...refOf(observed), resourceVersion: '' },
    ...(mark !== undefined && { annotations: { [annotations.sweep]: mark } }),
    ...(owners !== undefined && { ownerReferences: owners }),
    spec: {
      ...Object.fromEntries(Object.entries(body.spec).filter(([field]) => !leftToApply.includes(field))),
      ports: withNodePorts(portsOf(body), observed, body),
      ...misplaced,
      ...families,
      ...(selector !== undefined && { selector }),
    },
  };
}

/**
 * Optional fields that no other field depends on. A field that a patch sets first belongs to the patch, and
 * an apply that no longer has it does not remove it. The class is validated with the type.
 */
const leftToApply: readonly string[] = passThroughFields.filter(
  (field) => field !== 'loadBalancerClass' && field !== 'selector',
);

const portsOf = ({ spec }: AppliedService): readonly ServicePort[] =>
  (spec['ports'] ?? []) as readonly ServicePort[];

function hasForeignPorts({ spec }: Service, body: AppliedService): boolean {
  const byKey = new Map(portsOf(body).map((port) => [portKey(port), port]));
  return (spec.ports ?? []).some((port) => isForeign(port, byKey.get(portKey(port))));
}

const isForeign = (is: ServicePort, desired: ServicePort | undefined): boolean =>
  desired === undefined ||
  (is.name !== undefined && desired.name === undefined) ||
  (is.appProtocol !== undefined && desired.appProtocol === undefined);

/** A list that is replaced as a whole would lose the node ports that the server allocated. */
function withNodePorts(
  desired: readonly ServicePort[],
  { spec }: Service,
  body: AppliedService,
): readonly ServicePort[] {
  if (body.spec['type'] !== 'NodePort' && body.spec['type'] !== 'LoadBalancer') return desired;
  return desired.map((port) => {
    const nodePort = spec.ports?.find((other) => portKey(other) === portKey(port))?.nodePort;
    const isTaken = desired.some((other) => other.nodePort === nodePort);
    return nodePort === undefined || port.nodePort !== undefined || isTaken ? port : { ...port, nodePort };
  });
}

/** `null` removes the whole selector. */
function selectorPatch(
  { spec }: Service,
  body: AppliedService,
): null | Readonly<Record<string, string | null>> | undefined {
  const desired = (body.spec['selector'] ?? {}) as Readonly<Record<string, string>>;
  const extra = Object.keys(spec.selector ?? {}).filter((key) => !(key in desired));
  if (extra.length === 0) return undefined;
  if (Object.keys(desired).length === 0) return null;
  return { ...desired, ...Object.fromEntries(extra.map((key) => [key, null])) };
}

function ownersPatch({ metadata }: Service, body: AppliedService): readonly OwnerReference[] | undefined {
  const desired = body.metadata['ownerReferences'] as readonly OwnerReference[];
  const uids = new Set(desired.map(({ uid }) => uid));
  const others = (metadata.ownerReferences ?? []).filter(({ uid }) => !uids.has(uid));
  if (others.every(({ controller }) => controller !== true)) return undefined;
  return [...others.filter(({ controller }) => controller !== true), ...desired];
}

/** Fields that the wanted type does not have. */
function misplacedFields(
  { spec }: Service,
  body: AppliedService,
): Readonly<Record<string, null>> | undefined {
  const type = body.spec['type'];
  const fields = [
    ...(type !== 'ExternalName' && spec.externalName !== undefined ? ['externalName'] : []),
    ...(type !== 'LoadBalancer' && spec.loadBalancerSourceRanges !== undefined
      ? ['loadBalancerSourceRanges']
      : []),
  ];
  return fields.length === 0 ? undefined : Object.fromEntries(fields.map((field) => [field, null]));
}
