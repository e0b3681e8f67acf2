import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Certificate } from '../../probe/support/certificates.ts';
import { greeting } from '../../probe/support/mysql-bytes.ts';
import { beginTls } from './begin-tls.ts';
import type { Prelude } from './begin-tls.ts';
import { backendMessage, drip, flood, frame, status } from './floods.ts';

/** What a server does with a connection. */
export type Serve = (socket: Socket) => void;
type Answer = (stream: Duplex) => void;

/** Serves what follows the first bytes of the client. */
export const answering =
  (answer: Answer): Serve =>
  (socket) =>
    void socket.once('data', () => answer(socket));

/** The same over TLS. */
export const securely =
  (prelude: Prelude, certificate: Certificate, answer: Answer): Serve =>
  (socket) =>
    beginTls(socket, prelude, certificate, (secured) => void secured.once('data', () => answer(secured)));

const http2 = (answer: Answer): Serve =>
  answering((stream) => {
    stream.write(Buffer.concat([frame(4, 0, 0), frame(4, 1, 0)]));
    answer(stream);
  });

const welcome = backendMessage('R', Buffer.alloc(4));
const parameter = backendMessage('S', Buffer.of(0, 0));
const notice = Buffer.concat([Buffer.from('N'), Buffer.of(0, 0, 0x71, 0x48)]);
const letters = Buffer.alloc(65_536, 0x61);

/** A packet of MySQL of 16 MB. */
export const endlessPacket: Answer = (stream) => {
  stream.write(Buffer.of(0xff, 0xff, 0xff, 2));
  flood(stream, letters);
};

/** Servers of a protocol in clear that never come to an end. */
export const hostileAnswers = {
  interimAnswers: answering((stream) => flood(stream, Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\n'))),
  drippingHeader: answering((stream) => {
    stream.write('HTTP/1.1 200 OK\r\na: ');
    drip(stream, 0x61);
  }),
  emptyMessages: answering((stream) => {
    stream.write(welcome);
    flood(stream, parameter);
  }),
  drippingNotice: answering((stream) => {
    stream.write(Buffer.concat([welcome, ...Array.from({ length: 40 }, () => parameter), notice]));
    drip(stream, 0x61);
  }),
  hugePacket: (socket: Socket): void => {
    socket.write(greeting());
    socket.once('data', () => endlessPacket(socket));
  },
  windowUpdates: http2((stream) => flood(stream, frame(8, 0, 0, Buffer.of(0, 0, 0, 1)))),
  alternatives: http2((stream) => flood(stream, frame(10, 0, 0, Buffer.from('\0\x01ah2=":1"')))),
  pings: http2((stream) => flood(stream, frame(6, 0, 0, Buffer.alloc(8)))),
  unknownFrames: http2((stream) => flood(stream, frame(0xbe, 0, 0, Buffer.alloc(16)))),
  interimHeaders: http2((stream) => flood(stream, frame(1, 4, 1, status('103')))),
  emptyData: http2((stream) => {
    stream.write(frame(1, 4, 1, status('200')));
    flood(stream, frame(0, 0, 1));
  }),
  letters: (socket: Socket): void => flood(socket, letters),
  silence: (socket: Socket): void => void socket.resume(),
};
