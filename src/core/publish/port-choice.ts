import type { ServiceSpec } from '../../api/external-backend.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import { withoutYielding } from './maintenance-readiness.ts';
import { fallbackOf } from './none-ready.ts';
import type { IsPublished } from './published-addresses.ts';
import { anyReady, isDrainedFrom, stateOf, type MembersInput } from './service-members.ts';
import {
  chooseTier,
  compareTiers,
  tierKey,
  tiersIn,
  type Tier,
  type TierOf,
  type TierTimes,
} from './tiers.ts';

/** Input of the choice, with the addresses of one Service. */
export interface PortChoiceInput extends MembersInput {
  readonly tierOf: TierOf;
  /** Since when tiers have been ready, and the time now (monotonic milliseconds). */
  readonly tiers: { readonly since: TierTimes; readonly now: number };
}

/** Addresses that a Service publishes at the ports of one group. */
export interface PortChoice {
  /** Published because they are ready. */
  readonly ready: ReadonlySet<BackendAddress>;
  /** Published although they are not ready. */
  readonly kept: readonly BackendAddress[];
  /** Ready, and not published, because their tier is not in use. */
  readonly standby: readonly BackendAddress[];
  /** Tier in use, if there are several. */
  readonly tier?: Tier;
  /** Keys of the tiers with a ready address, if there are several tiers. */
  readonly readyTiers: readonly string[];
  /** Milliseconds after which another tier may be used; undefined: never. */
  readonly afterMs?: number;
}

export function choosePort(
  group: PortGroup,
  spec: ServiceSpec,
  input: PortChoiceInput,
  published: IsPublished,
): PortChoice {
  const all = new Set(input.addresses.filter((address) => input.isReady(group, address)));
  const kept = keptAddresses(group, spec, input, published);
  const members = input.addresses.map((address) => ({
    address,
    tier: input.tierOf(address, spec.role, input.roles.isGiven(address)),
    ready: all.has(address),
    isPublished: published(group, address),
  }));
  if (tiersIn(members).length < 2) return { ready: all, kept, standby: [], readyTiers: [] };
  const keyOf = (tier: Tier): string => tierKey(spec.name, group.id, tier);
  const { since, now } = input.tiers;
  const readyForMs = (tier: Tier): number => now - (since.get(keyOf(tier)) ?? now);
  const { tier, afterMs } = chooseTier(members, input.backend.spec.failbackSeconds * 1000, readyForMs);
  const ready = members.filter((member) => member.ready);
  const isChosen = (member: { readonly tier: Tier }): boolean =>
    tier !== undefined && compareTiers(member.tier, tier) === 0;
  return {
    ready: new Set(ready.filter(isChosen).map(({ address }) => address)),
    kept,
    standby: ready.filter((member) => !isChosen(member)).map(({ address }) => address),
    ...(tier && { tier }),
    readyTiers: tiersIn(ready).map(keyOf),
    ...(afterMs !== undefined && { afterMs }),
  };
}

/**
 * Returns the addresses that the Service publishes at these ports although they are not ready. Those that a maintenance
 * window drains leave, if others remain.
 */
function keptAddresses(
  group: PortGroup,
  spec: ServiceSpec,
  input: MembersInput,
  published: IsPublished,
): readonly BackendAddress[] {
  if (spec.whenNoneReady === 'Empty' || anyReady(group, input)) return [];
  const candidates = input.addresses
    .filter((address) => !isDrainedFrom(address, spec, input))
    .map((address) => ({
      address,
      ready: false,
      health: stateOf(group, address, input),
      isPublished: published(group, address),
    }));
  const kept = fallbackOf(spec.whenNoneReady, candidates).map(({ address }) => address);
  return withoutYielding(kept, spec, input);
}
