import type { Plane } from './plane.ts';

// Jest calls set-up and teardown in one process and hands nothing from one to the other.
const kept: Plane[] = [];

export function keepForTeardown(plane: Plane): void {
  kept.push(plane);
}

// eslint-disable-next-line no-restricted-exports -- Jest asks for a default export
export default async function globalTeardown(): Promise<void> {
  for (const plane of kept.splice(0)) await plane.stop();
}
