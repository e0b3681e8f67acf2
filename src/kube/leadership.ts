/** Who may write. */
export interface Leadership {
  /** True only while no other replica can have become the leader. Asked before every write. */
  isLeader(): boolean;
  start(): void;
  /** Hands leadership over at once, where it is held. Never rejects. */
  stop(): Promise<void>;
}

export interface LeaderHooks {
  readonly onStartedLeading?: () => void;
  /** The term is over; the elector goes on trying. `Lapsed`: no renewal in time. `Taken`: somebody else holds the lease. */
  readonly onLost?: (reason: 'Lapsed' | 'Taken' | 'Released') => void;
  /** Somebody (also this replica) holds the lease who did not before. */
  readonly onNewLeader?: (identity: string) => void;
}
