import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import { capabilities, greeting as greetingOf } from '../../probe/support/mysql-bytes.ts';

/** Of clients that name their protocol (RFC 7301). */
export const ALPNProtocols = ['h2', 'http/1.1'];

/** How a client of a protocol comes to TLS: from the first byte, or after an exchange in clear. */
export type Prelude = 'none' | 'postgres' | 'mysql';

/** The bytes in clear of a server, and the length of the client's request for TLS that ends them. */
const preludes: Readonly<
  Record<Prelude, { readonly greeting: Buffer; readonly request: number; readonly answer: string }>
> = {
  none: { greeting: Buffer.alloc(0), request: 0, answer: '' },
  postgres: { greeting: Buffer.alloc(0), request: 8, answer: 'S' },
  mysql: { greeting: greetingOf({ flags: capabilities.tls }), request: 36, answer: '' },
};

/** Speaks the prelude. `onRequest` is called when the next bytes of the client are those of TLS. */
export function speakPrelude(socket: Socket, prelude: Prelude, onRequest: () => void): void {
  const { greeting, request, answer } = preludes[prelude];
  const begin = (rest?: Buffer): void => {
    socket.removeAllListeners('data').pause();
    // The client's hello may come with its request.
    if (rest !== undefined && rest.length > request) socket.unshift(rest.subarray(request));
    socket.write(answer);
    onRequest();
  };
  socket.write(greeting);
  if (request === 0) begin();
  else socket.once('data', begin);
}

/** Speaks the prelude, then TLS as a server; `onSecure` is called with a connection that may still fail. */
export function beginTls(
  socket: Socket,
  prelude: Prelude,
  options: SecureContextOptions,
  onSecure: (secured: TLSSocket) => void = () => undefined,
): void {
  speakPrelude(socket, prelude, () => {
    const secureContext = createSecureContext(options);
    const secured = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols });
    secured.on('error', () => undefined);
    secured.resume();
    onSecure(secured);
  });
}
