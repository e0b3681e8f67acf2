/** Who may write. */
export interface Leadership {
  /** True only while no other replica can have become the leader. Asked before every write. */
  isLeader(): boolean;
  start(): void;
  /** Hands leadership over at once, where it is held. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Reason why a term is over.
 *
 * | reason      | what happened                                                                              |
 * |-------------|--------------------------------------------------------------------------------------------|
 * | Interrupted | the API server gave no answer: another replica cannot have led, but the network may have been cut |
 * | Lapsed      | no renewal in time                                                                         |
 * | Taken       | the lease is not as this replica left it                                                   |
 * | Released    | this replica stops                                                                         |
 */
export type TermEnd = 'Interrupted' | 'Lapsed' | 'Taken' | 'Released';

export interface LeaderHooks {
  /** A term begins. */
  readonly onStartedLeading?: () => void;
  /** Called when the term is over, before another one begins; the elector continues. */
  readonly onLost?: (reason: TermEnd) => void;
  /** Another holder of the lease (also this replica) than before. */
  readonly onNewLeader?: (identity: string) => void;
}
