import type { Change } from '../cluster.ts';
import type { Author } from '../replica-options.ts';
import type { Scene } from '../scene.ts';

/**
 * Address that became ready in a Service, or is ready no longer, by one write. One that is published with a mark, because
 * none is ready, is not ready.
 */
export interface Move {
  readonly service: string;
  readonly ip: string;
  readonly isReady: boolean;
  /** It was ready in any slice or Endpoints object just before, also in a slice that lost its label. */
  readonly wasReady: boolean;
  /** It was in a slice of this Service, as not ready. */
  readonly wasListed: boolean;
  /** Addresses that were ready in this Service just before. */
  readonly readyBefore: ReadonlySet<string>;
}

/**
 * One rule that a run must keep. The recorder calls its methods; each reports what is wrong to `fault`. A new
 * rule is one file and one line in `rules.ts`.
 */
export interface Rule {
  /** Called after each stored write, with the addresses that it moved. */
  readonly written?: (change: Change, moves: readonly Move[]) => void;
  /** Called when a replica sends a write. */
  readonly sent?: (by: Author) => void;
  /** Called every quarter of a second, and before each change outside. */
  readonly passes?: () => void;
  /** Returns true if nothing is expected to happen any more. The run ends when all rules agree, or at its bound. */
  readonly isSettled?: () => boolean;
  /** Called at the end, when everything has been quiet for long enough. */
  readonly ends?: () => void;
}

export type CreateRule = (scene: Scene, fault: (text: string) => void) => Rule;
