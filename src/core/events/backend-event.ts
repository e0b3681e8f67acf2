/** An Event about a backend. */
export interface BackendEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, at most 128 characters. */
  readonly reason: string;
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
