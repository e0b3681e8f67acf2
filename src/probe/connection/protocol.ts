import type { X509Certificate } from 'node:crypto';
import type { Verdict } from '../../core/probing/verdict.ts';

/**
 * Next step of a protocol.
 *
 * | kind   | effect                                                                                              |
 * |--------|-----------------------------------------------------------------------------------------------------|
 * | more   | waits for more bytes of the peer                                                                    |
 * | send   | drops `consumed` received bytes, sends `bytes`, calls `next` again with the rest                    |
 * | secure | drops `consumed` received bytes, begins TLS, calls `next` with nothing when TLS is established      |
 * | done   | sends `finalBytes`, closes the connection without a reset                                            |
 * | exceed | destroys the connection, because the server exceeds a bound of the protocol                         |
 */
export type Step =
  | { readonly kind: 'more' }
  | { readonly kind: 'send'; readonly bytes: Uint8Array; readonly consumed: number }
  | { readonly kind: 'secure'; readonly consumed: number }
  | { readonly kind: 'done'; readonly verdict: Verdict; readonly finalBytes?: Uint8Array }
  | { readonly kind: 'exceed'; readonly verdict: Verdict };

/** Exchange with a server in one protocol, without socket and clock. Created for each probe run. */
export interface Protocol {
  /** Maximum number of unconsumed bytes. More is WrongProtocol. `next` never gets more. */
  readonly maxBytes: number;
  /** True for the protocol of MySQL, where a MySQL greeting is expected. */
  readonly isMysql?: boolean;
  /** Last request, for messages such as "no answer to PING". */
  readonly question?: string | undefined;
  /**
   * Returns the next step. Called with an empty buffer when the connection is established, then whenever more
   * bytes arrive, with all unconsumed bytes, and again after `send` with the rest, which may be empty. Its
   * only effects are on its own state. The buffer is valid during the call only.
   */
  next(received: Buffer): Step;
  /**
   * Called when the peer closed or reset before `done`, with the unconsumed bytes. Undefined: ClosedEarly or
   * Reset.
   */
  onClose?(received: Buffer): Verdict | undefined;
  /**
   * Called at the timeout before `done` on an established connection. Returns the last bytes to send, so that
   * the server gets a complete exchange.
   */
  onTimeout?(): Uint8Array | undefined;
  /**
   * Called with the server's certificate (its issuers are reachable from it) when TLS is established, before
   * `next`.
   */
  onTls?(certificate: X509Certificate): void;
}
