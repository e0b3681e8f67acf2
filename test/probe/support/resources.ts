import { afterAll, afterEach } from '@jest/globals';
import { once } from 'node:events';
import { createAuthority } from './certificates.ts';
import { listen, portOf } from './listener.ts';
import type { Server } from 'node:net';
import type { Authority } from './certificates.ts';
import type { Listener, ListenerOptions } from './listener.ts';

/** Creates an authority. It is removed after the tests of the file or of the block that calls this. */
export function useAuthority(): Authority {
  const authority = createAuthority();
  afterAll(() => authority.remove());
  return authority;
}

/** Returns `listen` for the tests of a file or block. Its listeners are stopped after each test. */
export function useListeners(): (options?: ListenerOptions) => Promise<Listener> {
  const listeners: Listener[] = [];
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
  });
  return async (options) => {
    const listener = await listen(options);
    listeners.push(listener);
    return listener;
  };
}

/** A server of Node, with the method that only those of HTTP have. */
type Closable = Server & { closeAllConnections?(): void };

/** Returns a function that starts a server on a free port. The server is closed after each test. */
export function useServers(): (server: Closable, host?: string) => Promise<number> {
  const servers: Closable[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections?.();
    }
  });
  return async (server, host = '127.0.0.1') => {
    servers.push(server);
    server.listen(0, host);
    await once(server, 'listening');
    return portOf(server);
  };
}
