import { OperatorError } from '../../core/errors.ts';
import type { ErrorReason } from '../../core/errors.ts';
import { statusError } from '../client/errors.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Resource } from '../client/resources.ts';

/** Event of a watch: one line. */
export interface WatchEvent {
  readonly type: string;
  readonly object: { readonly metadata?: WatchedMeta; readonly code?: number };
}

interface WatchedMeta {
  readonly resourceVersion?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface WatchListener {
  /** Called for each chunk of bytes: events, or a part of one. */
  readonly onPiece: () => void;
  /** Called for each event except `ERROR`. An error that it throws ends the reading. */
  readonly onEvent: (event: WatchEvent) => void;
  /** Returns true to end the reading. Called after the events of each chunk. */
  readonly isOver: () => boolean;
}

/**
 * Reads until the server ends the watch. The events of one chunk are reported in one turn of the event loop.
 *
 * @throws OperatorError for an `ERROR` event, with its status, and for an end within a line
 */
export async function readWatch(
  resource: Resource,
  body: AsyncIterable<Buffer>,
  { onPiece, onEvent, isOver }: WatchListener,
): Promise<void> {
  const lines = new LineSplitter();
  for await (const piece of body) {
    onPiece();
    for (const line of lines.push(piece)) {
      const event = JSON.parse(line) as WatchEvent;
      if (event.type === 'ERROR') throw inStreamError(resource, event.object);
      onEvent(event);
    }
    if (isOver()) return;
  }
  if (lines.midLine) throw watchLostError(resource, 'the watch ended within a line', 'BrokenLine');
}

/** Returns the error of a watch that failed without an error of the server. */
export function watchLostError(resource: Resource, message: string, reason: ErrorReason): OperatorError {
  return new OperatorError(`watch ${resource.plural}: ${message}`, { kind: 'transient', reason });
}

function inStreamError(resource: Resource, status: WatchEvent['object']): OperatorError {
  const request = { verb: 'watch', resource: resource.plural };
  return statusError(request, status.code ?? 500, JSON.stringify(status));
}
