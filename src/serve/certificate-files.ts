import { readFile } from 'node:fs/promises';
import type { Logger } from '../util/log.ts';
import type { Clock, Timer } from '../util/clock.ts';

/** PEM texts of a certificate, with its chain, and of its key. */
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

/**
 * Time between two reads. A certificate is renewed long before the old one ends. The files are not watched, because a
 * watch misses a file that is replaced by a link.
 */
const periodMs = 30_000;

/** Certificate and key in two files, which are read again and again after `follow`. */
export class CertificateFiles {
  readonly #options: CertificateFilesOptions;
  #timer: Timer | undefined;
  #inUse = '';

  constructor(options: CertificateFilesOptions) {
    this.#options = options;
  }

  /** Rejects if a file cannot be read. */
  async read(): Promise<CertificatePair> {
    const { certFile, keyFile } = this.#options;
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    this.#inUse = cert + key;
    return { cert, key };
  }

  /** Calls `use` with each new pair. The pair in use remains if `use` throws or a file cannot be read. */
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
        logger.info('new certificate of /metrics in use', { certFile });
      }
    } catch (error) {
      this.#inUse = before;
      logger.warn('the new certificate of /metrics cannot be used; the old one remains', { certFile, error });
    }
    if (this.#timer !== undefined) this.follow(use);
  }
}
