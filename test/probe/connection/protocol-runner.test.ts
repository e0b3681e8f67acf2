import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { verdict } from '../../../src/probe/verdict/verdicts.ts';
import type { TlsOptions } from '../../../src/core/probing/check.ts';
import { runProtocol } from '../../../src/probe/connection/protocol-runner.ts';
import type { Protocol, Step } from '../../../src/probe/connection/protocol.ts';
import { createTrust, tlsPolicyOf } from '../../../src/probe/connection/tls.ts';
import type { TlsPolicy } from '../../../src/probe/connection/tls.ts';
import { createAuthority } from '../support/certificates.ts';
import type { Certificate } from '../support/certificates.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { fullBacklog } from '../support/full-backlog.ts';
import { listen, refusingPort } from '../support/listener.ts';
import type { Listener, ListenerOptions } from '../support/listener.ts';
import { sniff } from '../support/sniffer.ts';

const authority = createAuthority();
const named = authority.issue('DNS:db.example,IP:127.0.0.1');
const listeners: Listener[] = [];

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
});
afterAll(() => authority.remove());

async function start(options: ListenerOptions = {}): Promise<Listener> {
  const listener = await listen(options);
  listeners.push(listener);
  return listener;
}

const fine = verdict('up', 'Responded', 'fine');
const more: Step = { kind: 'more' };

/** Says `hello`, waits for a line, says `bye`. With `secure`, asks for TLS when the first line came and begins again. */
function greet(options: { secure?: boolean; maxBytes?: number; ended?: Protocol['onClose'] } = {}): Protocol {
  let said = false;
  let isSecure = options.secure !== true;
  return {
    maxBytes: options.maxBytes ?? 100,
    ...(options.ended === undefined ? {} : { onClose: options.ended }),
    next: (received) => {
      if (!said) {
        said = true;
        return { kind: 'send', bytes: Buffer.from('hello\n'), consumed: 0 };
      }
      const end = received.indexOf('\n');
      if (end < 0) return more;
      if (isSecure) return { kind: 'done', verdict: fine, finalBytes: Buffer.from('bye\n') };
      isSecure = true;
      said = false;
      return { kind: 'secure', consumed: end + 1 };
    },
  };
}

/** Runs `answer` when the prober said so much; collects all it says. */
function replying(answer: (socket: Socket) => void, heard: string[] = []) {
  return (socket: Socket) => {
    let first = true;
    socket.on('data', (data: Buffer) => {
      heard.push(data.toString());
      if (first) answer(socket);
      first = false;
    });
  };
}

const inPieces = async (socket: Socket, text: string) => {
  for (const character of text) {
    socket.write(character);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe('a dialogue', () => {
  it('gives the verdict of its protocol, says farewell and closes without a reset', async () => {
    const sniffer = sniff();
    const heard: string[] = [];
    const listener = await start({ onConnection: replying((socket) => socket.write('yes\n'), heard) });
    expect(await runProtocol(tcpCheck(listener.port), forever, greet())).toEqual(fine);
    await listener.closed(1);
    expect(heard.join('')).toBe('hello\nbye\n');
    expect(listener.errors).toEqual([]);
    await sniffer?.drained(listener.port);
    expect(sniffer?.resets(listener.port) ?? 0).toBe(0);
    sniffer?.stop();
  });

  it('gives the same verdict where the peer dribbles', async () => {
    const { port } = await start({
      onConnection: replying((socket) => void inPieces(socket, 'a long answer\n')),
    });
    expect(await runProtocol(tcpCheck(port), forever, greet())).toEqual(fine);
  });

  it('drains what the peer still says after the verdict', async () => {
    const listener = await start({
      onConnection: replying((socket) => socket.write(`yes\n${'x'.repeat(50_000)}`)),
    });
    expect(await runProtocol(tcpCheck(listener.port), forever, greet({ maxBytes: 2_000_000 }))).toEqual(fine);
    await listener.closed(1);
    expect(listener.errors).toEqual([]);
  });

  it('leaves a peer that says more than 64 KiB, also behind the verdict', async () => {
    const listener = await start({
      onConnection: replying((socket) => socket.write(`yes\n${'x'.repeat(30_000_000)}`)),
    });
    expect(await runProtocol(tcpCheck(listener.port), forever, greet({ maxBytes: 2_000_000 }))).toEqual(fine);
    await listener.closed(1);
    expect(listener.errors).toEqual([expect.stringMatching(/^(ECONNRESET|EPIPE)$/)]);
  });

  it('ends with Refused, Timeout or Unreachable as a bare connect', async () => {
    expect(await runProtocol(tcpCheck(await refusingPort()), forever, greet())).toMatchObject({
      reason: 'Refused',
    });
    const silent = await fullBacklog();
    try {
      const check = tcpCheck(silent.port, { timeoutMs: 100 });
      expect(await runProtocol(check, forever, greet())).toMatchObject({ kind: 'down', reason: 'Timeout' });
    } finally {
      await silent.stop();
    }
  });
});

describe('a dialogue with a peer that', () => {
  it('never answers is down after its timeout, and ends with a FIN', async () => {
    const listener = await start();
    const verdict = await runProtocol(tcpCheck(listener.port, { timeoutMs: 50 }), forever, greet());
    expect(verdict).toEqual({
      kind: 'down',
      reason: 'Timeout',
      message: 'connected, but no answer within 0.05 s',
    });
    await listener.closed(1);
    expect(listener.errors).toEqual([]);
  });

  it('closes early is down with ClosedEarly, or what the protocol makes of it', async () => {
    const { port } = await start({ onConnection: replying((socket) => socket.end('half')) });
    expect(await runProtocol(tcpCheck(port), forever, greet())).toMatchObject({ reason: 'ClosedEarly' });
    const ended = (received: Buffer) => verdict('down', 'NotServing', received.toString());
    expect(await runProtocol(tcpCheck(port), forever, greet({ ended }))).toMatchObject({
      reason: 'NotServing',
      message: 'half',
    });
  });

  it('resets is down with Reset, or what the protocol makes of it', async () => {
    const { port } = await start({ onConnection: replying((socket) => socket.resetAndDestroy()) });
    expect(await runProtocol(tcpCheck(port), forever, greet())).toMatchObject({
      kind: 'down',
      reason: 'Reset',
    });
    const ended = () => verdict('down', 'Blocked');
    expect(await runProtocol(tcpCheck(port), forever, greet({ ended }))).toMatchObject({ reason: 'Blocked' });
  });

  it('answers and closes at once is heard', async () => {
    const { port } = await start({ onConnection: replying((socket) => socket.end('yes\n')) });
    expect(await runProtocol(tcpCheck(port), forever, greet())).toEqual(fine);
  });

  it('sends 100 MB is down with WrongProtocol after a few of them', async () => {
    let sent = 0;
    const block = Buffer.alloc(1_000_000, 'x');
    const pour = (socket: Socket) => {
      while (sent < 100_000_000 && socket.writable) {
        sent += block.length;
        if (!socket.write(block)) break;
      }
    };
    const { port } = await start({
      onConnection: (socket) => {
        socket.on('drain', () => pour(socket));
        pour(socket);
      },
    });
    const before = process.memoryUsage().arrayBuffers;
    expect(await runProtocol(tcpCheck(port), forever, greet())).toMatchObject({
      kind: 'down',
      reason: 'WrongProtocol',
      message: 'the answer is longer than this protocol allows',
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });

  it('never closes holds the run for the grace only, or until its timeout', async () => {
    const { port } = await start({
      allowHalfOpen: true,
      onConnection: replying((socket) => socket.write('yes\n')),
    });
    expect(await runProtocol(tcpCheck(port, { timeoutMs: 10_000 }), forever, greet())).toEqual(fine);
    expect(await runProtocol(tcpCheck(port, { timeoutMs: 100 }), forever, greet())).toEqual(fine);
  });
});

describe('a cancelled dialogue', () => {
  it('is inconclusive at once and does not dial where it was cancelled before', async () => {
    const listener = await start();
    expect(await runProtocol(tcpCheck(listener.port), AbortSignal.abort(), greet())).toMatchObject({
      kind: 'inconclusive',
      reason: 'Cancelled',
    });
    expect(listener.accepted()).toBe(0);
  });

  it('finishes with the server what it began, behind its verdict', async () => {
    const heard: string[] = [];
    const controller = new AbortController();
    let answer = () => {};
    const listener = await start({
      onConnection: replying((socket) => {
        answer = () => socket.write('yes\n');
        controller.abort();
      }, heard),
    });
    const running = runProtocol(tcpCheck(listener.port, { timeoutMs: 10_000 }), controller.signal, greet());
    expect(await running).toMatchObject({ reason: 'Cancelled' });
    answer();
    await listener.closed(1);
    expect(heard.join('')).toBe('hello\nbye\n');
  });
});

describe('a protocol at fault', () => {
  it('that throws rejects, and the connection is closed', async () => {
    const listener = await start();
    const broken: Protocol = {
      maxBytes: 1,
      next: () => {
        throw new TypeError('broken');
      },
    };
    await expect(runProtocol(tcpCheck(listener.port), forever, broken)).rejects.toThrow('broken');
    await listener.closed(1);
  });

  it('that sends for ever rejects', async () => {
    const { port } = await start();
    const endless: Protocol = {
      maxBytes: 1,
      next: () => ({ kind: 'send', bytes: Buffer.from('x'), consumed: 0 }),
    };
    await expect(runProtocol(tcpCheck(port), forever, endless)).rejects.toThrow('no end');
  });

  it('that asks for TLS nobody described is our fault, not the target’s', async () => {
    const { port } = await start({ onConnection: replying((socket) => socket.write('S\n')) });
    expect(await runProtocol(tcpCheck(port), forever, greet({ secure: true }))).toMatchObject({
      kind: 'inconclusive',
      reason: 'ProberFault',
    });
  });
});

/** Answers a first line with `S`, goes on with TLS, and answers a second line too. */
function upgrading(certificate: Certificate, names: unknown[] = [], before = 'S\n') {
  return replying((socket) => {
    socket.removeAllListeners('data');
    socket.write(before);
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext(certificate),
      SNICallback: (name, done) => {
        names.push(name);
        done(null, undefined);
      },
    });
    secure.on('error', () => undefined);
    secure.on('data', () => secure.write('yes\n'));
    secure.on('end', () => secure.end());
  });
}

const trust = createTrust();
const full = (more: TlsOptions = {}): TlsPolicy => tlsPolicyOf({ ca: authority.ca, ...more }, trust);
const overTls = async (port: number, host: string, tls: TlsPolicy) =>
  runProtocol(tcpCheck(port, { host, timeoutMs: 5_000 }), forever, greet({ secure: true }), tls);

describe('a dialogue that becomes TLS', () => {
  it('goes on inside it and asks for the host’s name', async () => {
    const names: unknown[] = [];
    const listener = await start({ onConnection: upgrading(named, names) });
    expect(await overTls(listener.port, 'db.example', full())).toEqual(fine);
    expect(names).toEqual(['db.example']);
    await listener.closed(1);
    expect(listener.errors).toEqual([]);
  });

  it('asks for no name where the host is an address, and for `serverName` where there is one', async () => {
    const names: unknown[] = [];
    const { port } = await start({ onConnection: upgrading(named, names) });
    expect(await overTls(port, '127.0.0.1', full())).toEqual(fine);
    expect(names).toEqual([]);
    expect(await overTls(port, '127.0.0.1', full({ serverName: 'db.example' }))).toEqual(fine);
    expect(names).toEqual(['db.example']);
  });

  it.each([
    ['full', 'other.example', 'down', 'TlsFailed', 'the certificate is not valid for other.example'],
    ['ca', 'other.example', 'up', 'Responded', 'fine'],
    ['none', 'other.example', 'up', 'Responded', 'fine'],
  ] as const)(
    'verify %s, certificate for another name: %s %s',
    async (verify, host, kind, reason, message) => {
      const { port } = await start({ onConnection: upgrading(named) });
      expect(await overTls(port, host, { ...full(), verify })).toEqual({ kind, reason, message });
    },
  );

  it('is down where the certificate has expired, or nobody known signed it', async () => {
    const expired = await start({ onConnection: upgrading(authority.issue('DNS:db.example', '2021')) });
    expect(await overTls(expired.port, 'db.example', full())).toMatchObject({ reason: 'CertificateExpired' });
    const { port } = await start({ onConnection: upgrading(named) });
    expect(await overTls(port, 'db.example', { ...tlsPolicyOf({}, trust), verify: 'ca' })).toMatchObject({
      kind: 'down',
      reason: 'TlsFailed',
      message: 'the certificate is signed by an unknown authority',
    });
    expect(await overTls(port, 'db.example', { ...tlsPolicyOf({}, trust), verify: 'none' })).toEqual(fine);
  });

  it('is down where the peer does not speak TLS, or leaves in the middle', async () => {
    const garbage = await start({
      onConnection: (socket) => {
        socket.once('data', () => {
          socket.write('S\n');
          socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
        });
      },
    });
    expect(await overTls(garbage.port, 'db.example', full())).toMatchObject({ reason: 'WrongProtocol' });
    const leaving = await start({
      onConnection: (socket) => {
        socket.once('data', () => {
          socket.write('S\n');
          socket.once('data', () => socket.end());
        });
      },
    });
    expect(await overTls(leaving.port, 'db.example', full())).toMatchObject({ reason: 'ClosedEarly' });
    const resetting = await start({
      onConnection: (socket) => {
        socket.once('data', () => {
          socket.write('S\n');
          socket.once('data', () => socket.resetAndDestroy());
        });
      },
    });
    expect(await overTls(resetting.port, 'db.example', full())).toMatchObject({ reason: 'Reset' });
  });

  it('takes no byte for encrypted that came before TLS', async () => {
    const { port } = await start({ onConnection: upgrading(named, [], 'S\nyes\n') });
    expect(await overTls(port, 'db.example', full())).toMatchObject({
      kind: 'down',
      reason: 'WrongProtocol',
      message: 'the server sent unencrypted bytes before the TLS handshake',
    });
  });

  it('is our fault where the certificates of the tls block are none', async () => {
    const listener = await start();
    expect(await overTls(listener.port, 'db.example', full({ certificate: 'x', key: 'x' }))).toMatchObject({
      kind: 'inconclusive',
      reason: 'ProberFault',
    });
    expect(listener.accepted()).toBe(0);
  });
});

describe('however the bytes are cut', () => {
  it('the verdict is the same, and no peer makes it throw', async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 8 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(pieces, async (chunks) => {
        const whole = Buffer.concat(chunks);
        const cut = await start({ onConnection: (socket) => void pour(socket, chunks) });
        const uncut = await start({ onConnection: (socket) => void pour(socket, [whole]) });
        const [one, other] = await Promise.all(
          [cut, uncut].map(({ port }) => runProtocol(tcpCheck(port), forever, greet({ maxBytes: 20 }))),
        );
        expect(one).toEqual(other);
      }),
      { numRuns: 40 },
    );
  });
});

async function pour(socket: Socket, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    socket.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  if (!socket.closed) await once(socket, 'close');
}
