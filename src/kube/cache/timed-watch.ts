import { OperatorError } from '../../core/errors.ts';
import type { Clock } from '../../util/clock.ts';
import { networkError } from '../client/errors.ts';
import type { Resource } from '../client/resources.ts';
import { IdleWatchdog } from './idle-watchdog.ts';
import { watchLostError, readWatch } from './watch-stream.ts';
import type { WatchEvent } from './watch-stream.ts';

export interface TimedWatch {
  readonly resource: Resource;
  readonly clock: Clock;
  /** Ends the watch. */
  readonly cut: AbortSignal;
  readonly idleTimeoutMs: number;
  /** Longest silence of a full watch before its initial events are complete. */
  readonly firstIdleTimeoutMs: number;
  /** Returns true for a full watch until its initial events are complete. */
  readonly isFirst: () => boolean;
  readonly open: (signal: AbortSignal) => Promise<AsyncIterable<Buffer>>;
  readonly onEvent: (event: WatchEvent) => void;
}

/**
 * Opens a watch and reads it until it ends, is cut or falls silent.
 *
 * @throws OperatorError with the reason `Silent`, or `NoFirstBookmark` if a full watch falls silent before
 *   its initial events are complete
 */
export async function readTimedWatch(watch: TimedWatch): Promise<void> {
  const { resource, clock, cut, idleTimeoutMs, firstIdleTimeoutMs, isFirst, open, onEvent } = watch;
  const ended = new AbortController();
  const end = () => ended.abort();
  const watchdog = new IdleWatchdog(clock, idleTimeoutMs, end);
  const endFirst = () => {
    if (isFirst()) end();
  };
  const first = isFirst() ? new IdleWatchdog(clock, firstIdleTimeoutMs, endFirst) : undefined;
  const onReceived = () => {
    watchdog.reset();
    first?.reset();
  };
  cut.addEventListener('abort', end, { once: true });
  if (cut.aborted) end();
  try {
    const body = await open(ended.signal);
    onReceived();
    await readWatch(resource, body, { onPiece: onReceived, onEvent, isOver: () => cut.aborted });
  } catch (error) {
    if (isFirst() && first?.expired === true) throw noFirstBookmark(resource);
    if (watchdog.expired) throw watchLostError(resource, 'the watch fell silent', 'Silent');
    if (error instanceof OperatorError) throw error;
    throw networkError({ verb: 'watch', resource: resource.plural }, error);
  } finally {
    watchdog.end();
    first?.end();
    cut.removeEventListener('abort', end);
    end();
  }
}

/** Returns the error of a full watch that the server does not support. */
export const noFirstBookmark = (resource: Resource): OperatorError =>
  watchLostError(resource, 'no bookmark ended the initial events', 'NoFirstBookmark');
