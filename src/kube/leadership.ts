/** Who may write. */
export interface Leadership {
  /** True only while no other replica can have become the leader. Asked before every write. */
  isLeader(): boolean;
  start(): void;
  /** Hands leadership over at once, where it is held. Never rejects. */
  stop(): Promise<void>;
}

export interface LeaderHooks {
  /** A term begins. */
  readonly onStartedLeading?: () => void;
  /**
   * The term is over, before another one begins; the elector goes on trying. `Lapsed`: no renewal in time. `Taken`: the
   * lease is not as this replica left it.
   */
  readonly onLost?: (reason: 'Lapsed' | 'Taken' | 'Released') => void;
  /** Somebody (also this replica) holds the lease who did not before. */
  readonly onNewLeader?: (identity: string) => void;
}
