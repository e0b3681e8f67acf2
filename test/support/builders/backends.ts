import type { Spec } from '../cluster/world.ts';

/** Ready without a server that listens, for tests about objects only. */
export const unprobed = { disabled: {} };

/** One verdict a second, and each one decides. */
export const quick = { periodSeconds: 1, failureThreshold: 1 };

export const hosts = (...addresses: readonly string[]) => addresses.map((host) => ({ host }));

/** Returns a backend with one port whose addresses are published as ready without probes. */
export const plain = (addresses: readonly string[], more: Spec = {}): Spec => ({
  targets: hosts(...addresses),
  ports: [{ port: 5432 }],
  probe: unprobed,
  ...more,
});

/** Returns a backend whose addresses are probed at port 5432. */
export const probed = (addresses: readonly string[], more: Spec = {}): Spec => ({
  ...plain(addresses, { probe: quick }),
  ...more,
});
