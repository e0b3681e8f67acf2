import { readFile } from 'node:fs/promises';
import type { Clock, Logger, Timer } from '../engine/ports.ts';

/** PEM of a certificate, with its chain, and of its key. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateFilesOptions {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A renewed certificate is valid long before the old one ends, and a watch on files misses what is replaced by a link. */
const periodMs = 30_000;

/** A certificate and its key in two files, read again while they are followed. */
export class CertificateFiles {
  readonly #options: CertificateFilesOptions;
  #timer: Timer | undefined;
  #inUse = '';

  constructor(options: CertificateFilesOptions) {
    this.#options = options;
  }

  /** Rejects where a file cannot be read. */
  async read(): Promise<CertificatePair> {
    const { certFile, keyFile } = this.#options;
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    this.#inUse = cert + key;
    return { cert, key };
  }

  /** Calls `use` with each pair that is new. Where it throws, or the files cannot be read, the pair in use remains. */
  follow(use: (pair: CertificatePair) => void): void {
    this.#timer = this.#options.clock.after(periodMs, () => void this.#renew(use));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #renew(use: (pair: CertificatePair) => void): Promise<void> {
    const { certFile, logger } = this.#options;
    const before = this.#inUse;
    try {
      const pair = await this.read();
      if (this.#inUse !== before) {
        use(pair);
        logger.info('/metrics has a new certificate', { certFile });
      }
    } catch (error) {
      this.#inUse = before;
      logger.warn('/metrics keeps its certificate: the new one cannot be used', { certFile, error });
    }
    if (this.#timer !== undefined) this.follow(use);
  }
}
