import type { EventReason } from './event-reasons.ts';

/** An Event about a backend. */
export interface BackendEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  /** Action in CamelCase, for example `Publish`. */
  readonly action: string;
  /** At most 1,024 characters. */
  readonly note: string;
  /**
   * Subject of the Event, for example an address. Events with the same reason and subject are one series,
   * whatever their notes. Default: the note.
   */
  readonly about?: string;
}

/**
 * Results of one Event. written; dropped: not sent, because newer ones took its place, it was out of date, or
 * the term ended; failed: the API server refused it.
 */
export const eventResults = ['written', 'dropped', 'failed'] as const;
export type EventResult = (typeof eventResults)[number];
