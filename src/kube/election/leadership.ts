/** Right of this replica to write. */
export interface Leadership {
  /** Returns true only while no other replica can have become the leader. Called before every write. */
  isLeader(): boolean;
  start(): void;
  /** Ends the term and releases the leadership, and lets another replica have it for a while. Never rejects. */
  yield?(): Promise<void>;
  /** Tries to lead more often for some seconds, because the leader is about to yield. */
  expedite?(): void;
  /** Releases the leadership at once, if this replica has it. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Reason why a term has ended.
 *
 * | reason      | what happened                                                                              |
 * |-------------|--------------------------------------------------------------------------------------------|
 * | Interrupted | no answer of the API server: no other replica can have led, but the network may have been cut |
 * | Lapsed      | no renewal in time                                                                         |
 * | Taken       | another client has changed the Lease                                                       |
 * | Yielded     | another replica reaches hosts that this one does not                                       |
 * | Released    | this replica stops                                                                         |
 */
export type TermEnd = 'Interrupted' | 'Lapsed' | 'Taken' | 'Yielded' | 'Released';

export interface LeaderCallbacks {
  /** Called when a term begins. */
  readonly onStartedLeading?: () => void;
  /** Called when the term has ended, before the next one begins. The elector goes on. */
  readonly onStoppedLeading?: (reason: TermEnd) => void;
  /** Called when the Lease has another holder than before, which may be this replica. */
  readonly onNewLeader?: (identity: string) => void;
}
