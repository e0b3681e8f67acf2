import type { SecureContextOptions } from 'node:tls';

import type { Certificate } from '../../probe/support/certificates.ts';
import { answering, endlessPacket, hostileAnswers, securely } from './answers.ts';
import type { Serve } from './answers.ts';
import { beginTls } from './begin-tls.ts';
import { dhParameters } from './dh-parameters.ts';
import { drip, flood } from './floods.ts';

/** A kind of hostile server, and the part of an ExternalBackend that leads a probe to where it hurts. */
export interface HostileKind {
  readonly name: string;
  readonly probe: Readonly<Record<string, unknown>>;
  readonly tls?: true;
  readonly login?: true;
  /** Part of the message of its probes: they come to where it hurts. */
  readonly message: string;
  readonly serve: (certificate: Certificate) => Serve;
}

const clear = (name: string, probe: HostileKind['probe'], message: string, serve: Serve): HostileKind => ({
  ...{ name, probe, message },
  serve: () => serve,
});
const httpGet = { httpGet: { path: '/' } };
const postgres = { postgres: { sslMode: 'disable' } };
const grpc = { grpc: {} };
const tls = { tls: {} };

/** Chunks of one byte: the header of the answer is fine, its body has no end. */
const chunks = answering((stream) => {
  stream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  flood(stream, Buffer.from('1\r\na\r\n'));
});

export const hostileKinds: readonly HostileKind[] = [
  clear('interim-answers', httpGet, 'interim answers', hostileAnswers.interimAnswers),
  clear('dripping-header', httpGet, '200 pieces', hostileAnswers.drippingHeader),
  // Its head is a good answer, which may be read before the rest is too much.
  clear('chunks', httpGet, '', chunks),
  clear('messages', postgres, 'more than 64 ', hostileAnswers.emptyMessages),
  clear('dripping-notice', postgres, '200 pieces', hostileAnswers.drippingNotice),
  clear('window-updates', grpc, '64 KiB', hostileAnswers.windowUpdates),
  clear('alternatives', grpc, '64 KiB', hostileAnswers.alternatives),
  clear('pings', grpc, 'not gRPC', hostileAnswers.pings),
  clear('unknown-frames', grpc, '64 KiB', hostileAnswers.unknownFrames),
  clear('interim-headers', grpc, '64 KiB', hostileAnswers.interimHeaders),
  clear('empty-data', grpc, 'not gRPC', hostileAnswers.emptyData),
  clear('redis-letters', { redis: {} }, 'not RESP', hostileAnswers.letters),
  clear('mongodb-letters', { mongodb: {} }, "not MongoDB's", hostileAnswers.letters),
  clear('silence', { mysql: {} }, 'no greeting within 1 s', hostileAnswers.silence),
  { ...clear('packet', { mysql: {} }, 'more than 64 KiB', hostileAnswers.hugePacket), login: true },
  {
    ...{ name: 'packet-tls', message: 'more than 64 KiB', probe: { mysql: {} }, tls: true, login: true },
    serve: (certificate) => securely('mysql', certificate, endlessPacket),
  },
  {
    ...{ name: 'drip-tls', message: '200 pieces', probe: { redis: {} }, tls: true },
    serve: (certificate) => securely('none', certificate, (stream) => drip(stream, 0x2b)),
  },
  {
    ...{ name: 'certificates', message: 'too many or too large certificates', probe: tls, tls: true },
    serve: (certificate) => {
      const cert = Array.from({ length: 60 }, () => certificate.cert).join('\n');
      return (socket) => beginTls(socket, 'none', { ...certificate, cert });
    },
  },
  {
    ...{ name: 'dhe', message: 'DHE alone is not', probe: tls, tls: true },
    serve: (certificate) => {
      const options: SecureContextOptions = {
        ...{ ...certificate, dhparam: dhParameters(10_000) },
        ...{ maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256' },
      };
      return (socket) => beginTls(socket, 'none', options);
    },
  },
  {
    ...{ name: 'renegotiation', message: 'alert 40', probe: { redis: {} }, tls: true },
    serve: (certificate) => (socket) =>
      beginTls(socket, 'none', { ...certificate, maxVersion: 'TLSv1.2' }, (secured) => {
        const again = (): void => void secured.renegotiate({}, again);
        secured.once('data', again);
      }),
  },
];

/** Port of the first kind; each has one of its own, and an address of its own. */
const firstPort = 7101;
export const hostilePort = (index: number): number => firstPort + index;
/** Serves how often each kind was connected to, as JSON. */
export const countsPort = firstPort - 1;
