import type { Verdict } from '../../core/probing/verdict.ts';
import type { Protocol } from './protocol.ts';

/** Exchange of one request and one answer. */
export interface SingleRequest {
  /** TLS from the first byte. */
  readonly secure: boolean;
  readonly request: Uint8Array;
  /** Maximum number of bytes of the answer. */
  readonly maxBytes: number;
  /** Returns the verdict of the answer, or undefined while it is incomplete. */
  readonly verdictOf: (received: Buffer) => Verdict | undefined;
}

/** Creates the protocol of one run: TLS if it is `secure`, the request, the answer. */
export function singleRequestProtocol({ secure, request, maxBytes, verdictOf }: SingleRequest): Protocol {
  let isSecure = !secure;
  let isSent = false;
  return {
    maxBytes,
    next: (received) => {
      if (!isSecure) {
        isSecure = true;
        return { kind: 'secure', consumed: 0 };
      }
      if (!isSent) {
        isSent = true;
        return { kind: 'send', bytes: request, consumed: 0 };
      }
      const verdict = verdictOf(received);
      return verdict === undefined ? { kind: 'more' } : { kind: 'done', verdict };
    },
  };
}
