import type { Spec } from './world.ts';

/** Ready without anybody who listens: for what is about objects alone. */
export const unprobed = { disabled: {} };

/** One verdict decides, each second. */
export const quick = { periodSeconds: 1, failureThreshold: 1 };

export const hosts = (...addresses: readonly string[]) => addresses.map((host) => ({ host }));

/** A backend with one port whose addresses are published ready as they stand. */
export const plain = (addresses: readonly string[], more: Spec = {}): Spec => ({
  targets: hosts(...addresses),
  ports: [{ port: 5432 }],
  probe: unprobed,
  ...more,
});

/** A backend whose addresses are probed at port 5432. */
export const probed = (addresses: readonly string[], more: Spec = {}): Spec => ({
  ...plain(addresses, { probe: quick }),
  ...more,
});
