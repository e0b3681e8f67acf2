import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { createHttpGet } from '../../../src/probe/http/http.ts';
import { forever, httpCheck } from '../support/checks.ts';
import { answers } from '../support/http-answers.ts';
import type { AnswerRow } from '../support/http-answers.ts';
import { startKubelet } from '../support/kubelet.ts';
import type { Kubelet } from '../support/kubelet.ts';
import { useListeners } from '../support/resources.ts';

const probe = createHttpGet({});
const listen = useListeners();
let kubelet: Kubelet;

beforeAll(async () => {
  kubelet = await startKubelet();
}, 300_000);
afterAll(() => kubelet.stop());

async function serve({ bytes, then = 'close' }: AnswerRow): Promise<number> {
  let count = 0;
  const listener = await listen({
    onConnection: (socket) => {
      socket.once('data', () => {
        const answer = typeof bytes === 'string' ? bytes : bytes(count);
        count += 1;
        socket.write(Buffer.from(answer, 'latin1'), () => {
          if (then === 'close') socket.end();
          if (then === 'reset') socket.resetAndDestroy();
        });
      });
    },
  });
  return listener.port;
}

describe('httpGet agrees with the kubelet, except where the row gives the cause', () => {
  it.each(answers)('$title', async (row) => {
    const ports = [await serve(row), await serve(row)] as const;
    const { result, cause } = await kubelet.get(`http://127.0.0.1:${String(ports[0])}/`);
    const verdict = await probe(httpCheck(ports[1]), forever);
    const isUp = result === 'success' || result === 'warning';
    expect({ ...verdict, kubelet: isUp, cause }).toMatchObject({
      kind: row.isUp ? 'up' : 'down',
      kubelet: row.differs === undefined ? row.isUp : !row.isUp,
    });
  });
});

describe('a server that goes on and on', () => {
  it.each([
    ['with interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000)],
    ['with one line', 'x'.repeat(65_536)],
    ['with headers', 'X-A: 1\r\n'.repeat(8_000)],
    ['with a value that is continued', ' x\r\n'.repeat(16_000)],
  ])('%s is left after 64 KiB', async (_, more) => {
    let sent = 0;
    const listener = await listen({
      onConnection: (socket) => {
        const pour = () => {
          while (!socket.destroyed && socket.writable && sent < 100_000_000) {
            sent += more.length;
            if (!socket.write(more)) break;
          }
        };
        socket.on('drain', pour);
        socket.write('HTTP/1.1 100 Continue\r\nX-A: ');
        pour();
      },
    });
    const verdict = await probe(httpCheck(listener.port, {}, { timeoutMs: 10_000 }), forever);
    expect(verdict).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
    expect(sent).toBeLessThan(100_000_000);
  });
});
