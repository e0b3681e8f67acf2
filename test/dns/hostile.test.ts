import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { createDnsClient } from '../../src/dns/query/client.ts';
import { ownAddress } from '../support/servers/own-address.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';

/** A server that sends bytes as they are, over UDP and TCP. */
describe('a hostile server', () => {
  let udp: Socket;
  let tcp: Server;
  let port = 0;
  let reply: (query: Buffer) => Buffer = () => Buffer.alloc(0);
  let stream: (query: Buffer) => readonly Buffer[] = () => [];

  beforeAll(async () => {
    udp = createSocket('udp4', (query, from) => udp.send(reply(query), from.port, from.address));
    udp.bind(0, ownAddress);
    await once(udp, 'listening');
    port = udp.address().port;
    tcp = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (query) => {
        for (const chunk of stream(query.subarray(2))) socket.write(chunk);
        socket.end();
      });
    });
    tcp.listen(port, ownAddress);
    await once(tcp, 'listening');
    port = (tcp.address() as AddressInfo).port;
  });
  afterAll(() => {
    udp.close();
    tcp.close();
  });

  /** Whatever is not heeded ends with the timeout; `patient`: which is not let come. */
  async function ask({ patient = false } = {}): Promise<string> {
    const clock = new ManualClock();
    const servers = [{ address: ownAddress, port }];
    const client = createDnsClient({ clock, resolvConfPath: '/dev/null', servers });
    const state = { over: false };
    const got = client.resolve({ name: 'db.test', type: 'A' }).finally(() => (state.over = true));
    for (let i = 0; !state.over; i++) await clock.advance(patient || i < 50 ? 0 : 1_000);
    const { kind } = await got;
    client.close();
    expect(clock.armed).toBe(0);
    return kind;
  }

  const bytes = fc.uint8Array({ maxLength: 600 }).map((each) => Buffer.from(each));
  /** Behind the query's own id and question, so that it is looked at. */
  const forged = (query: Buffer, flags: number, tail: Buffer): Buffer => {
    const message = Buffer.concat([query, tail]);
    message.writeUInt16BE(0x8000 | flags, 2);
    message.writeUInt16BE(tail.length % 7, 6);
    message.writeUInt16BE(tail.length % 3, 8);
    return message;
  };

  it('that sends any bytes never makes the client throw or hang', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (tail) => {
        reply = () => tail;
        expect(await ask()).toBe('failed');
      }),
      { numRuns: 50 },
    );
  });

  it('that sends any bytes behind the question never makes the client throw or hang', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.nat({ max: 0x7fff }), async (tail, flags) => {
        reply = (query) => forged(query, flags & ~0x0200 & ~0x7800, tail);
        expect(['records', 'none', 'failed']).toContain(await ask());
      }),
      { numRuns: 150 },
    );
  });

  it('that sends any stream never makes the client throw, hang or read on', async () => {
    reply = (query) => forged(query, 0x0200, Buffer.alloc(0));
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 8 }), fc.boolean(), async (chunks, framed) => {
        stream = (query) =>
          framed
            ? [Buffer.from([0, query.length + 50]), forged(query, 0, Buffer.alloc(0)), ...chunks]
            : chunks;
        expect(['records', 'none', 'failed']).toContain(await ask());
      }),
      { numRuns: 100 },
    );
  });

  it('that sends a whole answer byte by byte is understood', async () => {
    reply = (query) => forged(query, 0x0200, Buffer.alloc(0));
    stream = (query) => {
      const message = forged(query, 0x0003, Buffer.alloc(0));
      const framed = Buffer.concat([Buffer.from([0, message.length]), message]);
      return [...framed].map((byte) => Buffer.from([byte]));
    };
    expect(await ask({ patient: true })).toBe('none');
  });
});
