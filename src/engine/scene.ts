import type { Backend } from '../api/external-backend.ts';
import { addressesOf, type BackendAddress, type Cidr, type TargetAddresses } from '../core/address.ts';
import type { Check } from '../core/check.ts';
import { checksOf, portGroups, type PortGroup } from '../core/checks.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Resolver } from './ports.ts';

/** What is known of a backend in one run. */
export interface Scene {
  readonly key: string;
  readonly raw: KubeObject;
  readonly backend: Backend;
  readonly targets: readonly TargetAddresses[];
  readonly addresses: readonly BackendAddress[];
  readonly groups: readonly PortGroup[];
  readonly checks: readonly Check[];
}

export function look(
  key: string,
  raw: KubeObject,
  backend: Backend,
  { resolver, deniedCidrs }: { readonly resolver: Resolver; readonly deniedCidrs: readonly Cidr[] },
): Scene {
  const { mode, targets: wanted, ports } = backend.spec;
  const alias = mode === 'ExternalName';
  const targets = alias
    ? wanted.map((target) => ({ target, addresses: [] }))
    : addressesOf(wanted, (host) => resolver.resolve(host), deniedCidrs, ports);
  const addresses = targets.flatMap((target) => target.addresses);
  const groups = alias ? [] : portGroups(backend.spec);
  return { key, raw, backend, targets, addresses, groups, checks: checksOf(groups, addresses) };
}
