/** All hostile servers, in a process of their own: what they cost is not paid by the test, nor by the operator. */
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';

import { createAuthority } from '../../probe/support/certificates.ts';
import { countsPort, hostileKinds, hostilePort } from './kinds.ts';

const authority = createAuthority();
const certificate = authority.issueRsa();
authority.remove();
const counts: Record<string, number> = {};
for (const [index, { name, serve }] of hostileKinds.entries()) {
  counts[name] = 0;
  const serveOne = serve(certificate);
  createServer((socket) => {
    counts[name] = (counts[name] ?? 0) + 1;
    socket.setNoDelay(true).on('error', () => undefined);
    serveOne(socket);
  }).listen(hostilePort(index), '0.0.0.0');
}
createHttpServer((_, response) => void response.end(JSON.stringify(counts))).listen(countsPort, '127.0.0.1');
