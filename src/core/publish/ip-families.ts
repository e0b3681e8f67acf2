import type { ServiceSpec } from '../../api/external-backend.ts';
import { families } from '../../api/ip.ts';
import type { AppliedService } from '../kubernetes/action.ts';
import type { Family, Service } from '../kubernetes/objects.ts';

/**
 * The two fields that the API server validates together. The server chooses the value of a field that is left
 * out.
 */
export interface FamilyFields {
  readonly ipFamilies?: readonly Family[];
  readonly ipFamilyPolicy?: NonNullable<Service['spec']['ipFamilyPolicy']>;
}

/** Headless and without a selector: the server accepts any family, and sets both if nothing is set. */
const isFree = ({ headless, selector }: ServiceSpec): boolean => headless && selector === undefined;

/**
 * Returns families and policy for the apply of a Service: a pair that the server accepts in place of what is
 * observed, with the same result as for a new Service. The rules are those of
 * pkg/registry/core/service/storage/alloc.go (`initIPFamilyFields`).
 *
 * Headless, no selector: the pair is always complete, because the server's own default is both families.
 *
 * | ipFamilies | ipFamilyPolicy | families                | policy                                        |
 * |------------|----------------|-------------------------|-----------------------------------------------|
 * | none       | none           | those of the addresses; without addresses the observed first one, else IPv4 | SingleStack for one, RequireDualStack for two |
 * | one        | none           | as given                | SingleStack                                   |
 * | given      | SingleStack    | as given                | as given                                      |
 * | none       | SingleStack    | the observed first one while an address has it or there is no address, else the first of the addresses | as given                                      |
 * | any        | dual           | the same, and the other | as given                                      |
 *
 * Any other Service: the server decides, and a second family is released with SingleStack only.
 *
 * | ipFamilies | ipFamilyPolicy | families                                    | policy                                                 |
 * |------------|----------------|---------------------------------------------|--------------------------------------------------------|
 * | none       | none           | left out                                    | SingleStack if an earlier apply set one, else left out |
 * | given      | none           | as given                                    | SingleStack, as on a new Service                       |
 * | none       | given          | left out                                    | as given                                               |
 * | given      | SingleStack    | as given                                    | as given                                               |
 * | given      | dual           | as given, and the other if two are observed and not released (`releasedFamilies`) | as given                                               |
 *
 * @param present families of the addresses, IPv4 first
 * @param kept the Service that the apply changes in place; undefined: it is new, or was an alias
 */
export function familyFields(
  spec: ServiceSpec,
  present: readonly Family[],
  kept: Service | undefined,
): FamilyFields {
  return isFree(spec) ? freePair(spec, present, kept) : servedPair(spec, kept);
}

type Policy = NonNullable<FamilyFields['ipFamilyPolicy']>;

function freePair(spec: ServiceSpec, present: readonly Family[], kept: Service | undefined): FamilyFields {
  const count = (spec.ipFamilies ?? present).length;
  const policy = spec.ipFamilyPolicy ?? (count > 1 ? 'RequireDualStack' : 'SingleStack');
  const first = spec.ipFamilies?.[0] ?? firstOf(present, policy, kept?.spec.ipFamilies);
  return { ipFamilies: policy === 'SingleStack' ? [first] : both(first), ipFamilyPolicy: policy };
}

/** Keeps the observed family as the first one if another one would replace it. */
function firstOf(present: readonly Family[], policy: Policy, observed: readonly Family[] = []): Family {
  const [first] = observed;
  const stays =
    present.length === 0 || (policy === 'SingleStack' && first !== undefined && present.includes(first));
  return (stays ? first : present[0]) ?? 'IPv4';
}

function servedPair(spec: ServiceSpec, kept: Service | undefined): FamilyFields {
  const policy = spec.ipFamilyPolicy ?? (setsPolicy(spec, kept) ? 'SingleStack' : undefined);
  return {
    ...(spec.ipFamilies !== undefined && { ipFamilies: completed(spec.ipFamilies, policy, kept) }),
    ...(policy !== undefined && { ipFamilyPolicy: policy }),
  };
}

const setsPolicy = ({ ipFamilies }: ServiceSpec, kept: Service | undefined): boolean =>
  ipFamilies !== undefined || kept?.applied?.includes('ipFamilyPolicy') === true;

/** Adds the second family that the server added, because a dual policy does not release it. */
function completed(
  given: readonly Family[],
  policy: Policy | undefined,
  kept: Service | undefined,
): readonly Family[] {
  const [first = 'IPv4'] = given;
  const isDual = kept?.spec.ipFamilies?.length === 2 && policy !== 'SingleStack';
  return isDual && (policy === 'RequireDualStack' || !hasUncheckedFamilies(kept)) ? both(first) : given;
}

/** The server accepted two families without a check whether the cluster has them. */
const hasUncheckedFamilies = ({ spec }: Service): boolean =>
  spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0 && spec.ipFamilies?.length === 2;

/**
 * Returns the fields of a patch that goes before the apply; undefined: none is needed. A headless Service
 * without a selector may have a family that the cluster does not have. With a selector the server refuses
 * this family, and it refuses to release it together with a dual policy. An apply that leaves families out
 * does not remove those that a patch has set. So a patch releases both, and the server then adds the second
 * family as it does on a new Service.
 *
 * | ipFamilyPolicy of the apply | ipFamilies of the patch                               | ipFamilyPolicy of the patch |
 * |-----------------------------|-------------------------------------------------------|-----------------------------|
 * | RequireDualStack            | no patch: the server accepts both families or refuses | no patch                    |
 * | any other                   | the first of the apply; left out there: removed       | SingleStack                 |
 * | left out                    | removed                                               | PreferDualStack, because an adopted Service keeps what the cluster has |
 */
export function releasedFamilies(
  observed: Service,
  { spec }: AppliedService,
): Readonly<Record<'ipFamilies' | 'ipFamilyPolicy', unknown>> | undefined {
  const { clusterIP, selector, ipFamilies, ipFamilyPolicy: policy } = spec;
  const isChecked = clusterIP === 'None' && selector !== undefined;
  if (!isChecked || policy === 'RequireDualStack' || !hasUncheckedFamilies(observed)) return undefined;
  return {
    ipFamilies: (ipFamilies as readonly Family[] | undefined)?.slice(0, 1) ?? null,
    ipFamilyPolicy: policy === undefined ? 'PreferDualStack' : 'SingleStack',
  };
}

const both = (first: Family): readonly Family[] => [first, otherThan(first)];

const otherThan = (family: Family): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4');

/**
 * Returns the families that a Service has, because kube-proxy reads no slices of another family. Undefined:
 * all.
 *
 * | Service                                        | families                                                    |
 * |------------------------------------------------|-------------------------------------------------------------|
 * | headless, no selector, no families in the spec | those of its addresses; with SingleStack the first of these |
 * | headless, no selector                          | those of the spec, and with a dual policy both              |
 * | exists, and is not to be replaced              | those that the server set; with SingleStack the first of these, with RequireDualStack both |
 * | has two families in the spec                   | both                                                        |
 * | is to be created, single-stack by the spec     | those of the spec                                           |
 * | is to be created                               | not known yet: all                                          |
 */
export function servedFamilies(
  spec: ServiceSpec,
  present: readonly Family[],
  kept: Service | undefined,
): readonly Family[] | undefined {
  const pair = familyFields(spec, present, kept);
  if (isFree(spec)) return isOpen(spec, present, pair) ? undefined : pair.ipFamilies;
  if ((pair.ipFamilies ?? []).length > 1) return pair.ipFamilies;
  const given = kept?.spec.ipFamilies;
  if (given?.[0] === undefined) return pair.ipFamilyPolicy === 'SingleStack' ? pair.ipFamilies : undefined;
  if (pair.ipFamilyPolicy === 'SingleStack') return pair.ipFamilies ?? [given[0]];
  return pair.ipFamilyPolicy === 'RequireDualStack' ? both(given[0]) : given;
}

const isOpen = (spec: ServiceSpec, present: readonly Family[], { ipFamilyPolicy }: FamilyFields): boolean =>
  spec.ipFamilies === undefined && (present.length === 0 || ipFamilyPolicy !== 'SingleStack');

/** Returns true when only the server can decide which families a new Service has. */
export const areFamiliesOpen = (spec: ServiceSpec): boolean =>
  !isFree(spec) &&
  (spec.ipFamilies === undefined || (spec.ipFamilyPolicy ?? 'SingleStack') !== 'SingleStack');

/** Returns the families of addresses, IPv4 first. */
export const familiesOf = (addresses: readonly { readonly family: Family }[]): readonly Family[] =>
  families.filter((family) => addresses.some((address) => address.family === family));
