import { expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import type { PostgresHandler } from '../../../src/core/probing/check.ts';
import { createPostgres } from '../../../src/probe/postgres/postgres.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { useListeners } from '../support/resources.ts';

const listen = useListeners();

const message = (code: number, text: string): Buffer => {
  const body = Buffer.from(text, 'latin1');
  const head = Buffer.alloc(9);
  head.write('R');
  head.writeUInt32BE(8 + body.length, 1);
  head.writeUInt32BE(code, 5);
  return Buffer.concat([head, body]);
};

/** A server that asks for SCRAM with so many iterations. Returns its port, and what it received. */
async function server(iterations: number) {
  const received: string[] = [];
  const onConnection = (socket: Socket): void => {
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      received.push(text);
      const nonce = /n=\*,r=([^,]+)/.exec(text)?.[1];
      if (received.length === 1) socket.write(message(10, 'SCRAM-SHA-256\0\0'));
      else if (nonce !== undefined)
        socket.write(message(11, `r=${nonce}server,s=c2FsdHNhbHQ=,i=${String(iterations)}`));
    });
  };
  const listener = await listen({ onConnection });
  return { port: listener.port, received };
}

const handler: PostgresHandler = {
  kind: 'postgres',
  sslMode: 'disable',
  saturatedIs: 'inconclusive',
  credentials: { username: 'watcher', password: 'open sesame' },
};

it.each([100_001, 2_147_483_647, 999_999_999_999])(
  'a server that asks for %d iterations of SCRAM costs no CPU, is up, and gets no proof of the password',
  async (iterations) => {
    const { port, received } = await server(iterations);
    const verdict = await createPostgres()(tcpCheck(port, { handler, timeoutMs: 10_000 }), forever);
    expect(verdict).toEqual({
      kind: 'up',
      reason: 'AuthFailed',
      message:
        'the server asks for more than 100000 iterations of SCRAM, which are not computed: lower scram_iterations',
    });
    expect(received.join('')).not.toContain(',p=');
  },
);
