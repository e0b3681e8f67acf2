import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';

type Connector = buildConnector.connector;

/**
 * Open sockets to the API server, all of which can be reset. A cancelled request closes its socket, but the
 * kernel goes on sending the data that a closed socket still contains. After a reset it discards these.
 */
export class Sockets {
  readonly #open = new Set<Socket>();

  /** Creates an agent that opens its sockets here. */
  agent(tls: Readonly<Record<string, unknown>>): Agent {
    return new Agent({
      allowH2: false,
      // The API server closes idle connections after 90 s; the operator does so earlier.
      keepAliveTimeout: 60_000,
      keepAliveMaxTimeout: 60_000,
      // Every request has its own deadline, and every watch a watchdog.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: this.#connector(
        buildConnector({
          ...{ ...tls, allowH2: false, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 },
        }),
      ),
    });
  }

  /** Resets all open sockets. */
  reset(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  /** Creates the TCP socket below TLS, because Node cannot reset a TLS socket (ERR_INVALID_HANDLE_TYPE). */
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
