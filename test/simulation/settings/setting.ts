import type { SpecInput } from '../../support/builders/builders.ts';
import type { Act } from '../history.ts';
import type { Host } from '../network/targets.ts';
import type { NameAnswer } from '../network/zones.ts';
import type { Draw } from '../random.ts';

export type Timed = Act & { readonly at: number };
type Edit = readonly [string, SpecInput];

/** Backends, their servers and names, and what people may change about them. */
export interface Setting {
  readonly backends: Readonly<Record<string, SpecInput>>;
  readonly hosts: Readonly<Record<string, Host>>;
  readonly names: Readonly<Record<string, NameAnswer>>;
  readonly services: readonly [string, ...string[]];
  /** Backend, and another spec for it. */
  readonly edits: readonly [Edit, ...Edit[]];
  /** Time at which the last maintenance window ends. Default: there are none. */
  readonly windowsEndAt?: number;
  /** Events of this setting alone. */
  readonly special?: (draw: Draw, at: number) => readonly Timed[];
}

export const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as const;
export const all = [A, B, C] as const;
export const up: Host = { state: 'up' };
export const targets = (ips: readonly string[]) => ips.map((host) => ({ host }));

export const probeOf = (draw: Draw) => ({
  periodSeconds: draw.of([1, 2, 1]),
  failureThreshold: draw.of([3, 2, 1]),
  successThreshold: draw.of([1, 1, 2]),
});

export const noneReadyOf = (draw: Draw) => ({ whenNoneReady: draw.of(['Empty', 'KeepLast', 'All']) });
