import type { X509Certificate } from 'node:crypto';
import type { Verdict } from '../core/verdict.ts';

/**
 * What a protocol wants next.
 *
 * | kind   | what happens                                                                                        |
 * |--------|-----------------------------------------------------------------------------------------------------|
 * | more   | nothing until the peer says more                                                                    |
 * | send   | `consumed` received bytes are dropped, `bytes` are sent, `next` is called again with the rest       |
 * | secure | `consumed` received bytes are dropped, TLS begins, `next` is called again with nothing once it stands |
 * | done   | `farewell` is sent, the connection is closed politely                                               |
 * | exceed | the server exceeds a bound of the protocol: the connection is destroyed                             |
 */
export type Step =
  | { readonly kind: 'more' }
  | { readonly kind: 'send'; readonly bytes: Uint8Array; readonly consumed: number }
  | { readonly kind: 'secure'; readonly consumed: number }
  | { readonly kind: 'done'; readonly verdict: Verdict; readonly farewell?: Uint8Array }
  | { readonly kind: 'exceed'; readonly verdict: Verdict };

/** One conversation of one protocol: no socket, no clock. Created for each probe run. */
export interface Protocol {
  /** Bytes that may wait unconsumed; a peer that sends more is WrongProtocol. `next` never sees more than these. */
  readonly maxBytes: number;
  /** MySQL's own protocol: where it is spoken, its greeting is no mistake. */
  readonly isMysql?: boolean;
  /** Last question, for messages such as "no answer to PING". */
  readonly question?: string | undefined;
  /**
   * Called once with an empty buffer when the connection stands, then whenever more bytes came, with all that is not
   * consumed; after `send` again with the rest, be it empty. Pure but for what it remembers itself. The buffer is valid
   * during the call only.
   */
  next(received: Buffer): Step;
  /** The peer closed, or reset, before `done`; `received` is what waits unconsumed. Undefined: ClosedEarly or Reset. */
  ended?(received: Buffer): Verdict | undefined;
  /** Time is up, before `done`, on a connection that stands: what to leave behind, so that the server finds no half of something. */
  gaveUp?(): Uint8Array | undefined;
  /** The server's certificate, its issuers reachable from it, once TLS stands; before `next` is called. */
  secured?(certificate: X509Certificate): void;
}
