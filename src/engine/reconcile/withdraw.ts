import type { OperatorError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { withdrawalOf, type Withdrawal } from '../../core/publish/withdrawal.ts';
import type { AddressPolicy } from '../../core/resolution/address-policy.ts';
import { aliasPolicy, type AliasPolicy } from '../../core/resolution/alias-policy.ts';
import { applyAll } from './apply.ts';
import { observedObjects } from './plan-services.ts';
import type { ClusterCache, Writer } from '../ports.ts';

export interface WithdrawOptions {
  readonly cache: ClusterCache;
  readonly policy: AddressPolicy;
  readonly aliasPolicy?: AliasPolicy;
}

/** Addresses and external IPs that were withdrawn from a backend that is not reconciled, and the writes that failed. */
export interface Withdrawn extends Pick<Withdrawal, 'refused'> {
  /** Texts on external IPs that were removed. */
  readonly externalIps: readonly string[];
  readonly errors: readonly OperatorError[];
}

/**
 * Removes what the address policy forbids from everything that a backend which is not reconciled has
 * published.
 */
export async function withdraw(
  { metadata: { namespace, name } }: KubeObject,
  writer: Writer,
  { cache, policy, aliasPolicy: forbids = aliasPolicy() }: WithdrawOptions,
): Promise<Withdrawn> {
  const withdrawals = [...cache.ownedNames(namespace, name)].map((service) =>
    withdrawalOf(observedObjects(namespace, service, cache), name, policy, forbids),
  );
  const failed = await applyAll(
    writer,
    withdrawals.map(({ steps }) => steps),
  );
  return {
    errors: failed.flat().map(({ error }) => error),
    externalIps: withdrawals.flatMap(({ externalIps }) => externalIps ?? []),
    refused: new Map(withdrawals.flatMap(({ refused }) => [...refused])),
  };
}
