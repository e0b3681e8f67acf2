import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpApi {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Starts a server on a free port of the loopback interface that answers as the test has it. */
export async function httpApi(answer: RequestListener): Promise<HttpApi> {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${port}`, close };
}
