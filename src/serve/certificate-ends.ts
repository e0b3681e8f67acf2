/** Ends of the certificates that probes received, and the earliest end of each backend. Times in milliseconds of Unix time. */
export class CertificateEnds {
  /** Ends by address, by backend. */
  readonly #ends = new Map<string, Map<string, number>>();
  /** Backends whose earliest end may have changed since the last `changes()`. */
  readonly #changed = new Set<string>();

  set(key: string, address: string, expiresAt: number): void {
    const ends = this.#ends.get(key) ?? new Map<string, number>();
    this.#ends.set(key, ends);
    if (ends.get(address) === expiresAt) return;
    ends.set(address, expiresAt);
    this.#changed.add(key);
  }

  /** Removes all other addresses of the backend. */
  retain(key: string, addresses: ReadonlySet<string>): void {
    const ends = this.#ends.get(key);
    if (ends === undefined) return;
    for (const address of ends.keys()) if (!addresses.has(address)) ends.delete(address);
    if (ends.size === 0) this.#ends.delete(key);
    this.#changed.add(key);
  }

  /** Returns the earliest ends that may have changed since the last call; undefined if the backend has none now. */
  changes(): readonly (readonly [key: string, earliest: number | undefined])[] {
    const changes = [...this.#changed].map((key) => [key, this.#earliest(key)] as const);
    this.#changed.clear();
    return changes;
  }

  #earliest(key: string): number | undefined {
    let earliest: number | undefined;
    for (const end of this.#ends.get(key)?.values() ?? [])
      if (earliest === undefined || end < earliest) earliest = end;
    return earliest;
  }
}
