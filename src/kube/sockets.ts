import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';

type Connector = buildConnector.connector;

/**
 * Open sockets to the API server, so that all of them can be reset. The end of a request closes its socket, and the kernel
 * continues to send what a closed socket still contains until the other side has it; after a reset it discards that.
 */
export class Sockets {
  readonly #open = new Set<Socket>();

  /** An agent whose sockets these are. */
  agent(tls: Readonly<Record<string, unknown>>): Agent {
    return new Agent({
      allowH2: false,
      // The API server closes a connection after 90 s of idleness: we do so first.
      keepAliveTimeout: 60_000,
      keepAliveMaxTimeout: 60_000,
      // Every request has a deadline of its own, and every watch a watchdog.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: this.#connector(
        buildConnector({
          ...{ ...tls, allowH2: false, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 },
        }),
      ),
    });
  }

  reset(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  /** Node resets no TLS socket (ERR_INVALID_HANDLE_TYPE), so the socket below it is created here. */
  #connector(inner: Connector): Connector {
    return (options, callback) => {
      if (options.protocol !== 'https:') {
        inner(options, (...result) => {
          if (result[0] === null) this.#add(result[1]);
          callback(...result);
        });
        return;
      }
      const httpSocket = connect({ host: options.hostname, port: Number(options.port || 443) });
      this.#add(httpSocket);
      let isDone = false;
      const done: buildConnector.Callback = (...result) => {
        if (!isDone) callback(...result);
        isDone = true;
      };
      // A reset during the handshake closes the TLS socket without an error.
      httpSocket.once('close', () => done(new Error('the connection was reset'), null));
      inner({ ...options, httpSocket }, done);
    };
  }

  #add(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }
}
