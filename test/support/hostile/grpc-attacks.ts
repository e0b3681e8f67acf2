import { down, none, slow } from './attack.ts';
import type { Answer, Attack, Attacks } from './attack.ts';
import { drip, flood, floodWith, letters, pieces } from './floods.ts';

/** A frame of HTTP/2 (RFC 9113, section 4.1). */
export function frame(
  type: number,
  flags: number,
  stream: number,
  body: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** `:status`, as a literal with the name of the static table (RFC 7541). */
const status = (code: string): Buffer => Buffer.concat([Buffer.of(8, code.length), Buffer.from(code)]);

const settings = Buffer.concat([frame(4, 0, 0), frame(4, 1, 0)]);
const setting = (id: number, value: number): Buffer => {
  const body = Buffer.alloc(6);
  body.writeUInt16BE(id, 0);
  body.writeUInt32BE(value, 2);
  return body;
};

const after =
  (before: readonly Uint8Array[], bytes: Uint8Array): Answer =>
  (stream) => {
    stream.write(Buffer.concat([settings, ...before]));
    flood(stream, bytes);
  };
const any = down('WrongProtocol');
/** Whether it is a call or a connection that is refused depends on how the frames arrive. */
const refused = down('(WrongProtocol|NotServing)');
const row = (name: string, answer: Answer, expected = any): Attack => ({ name, answer, expected });

const headers = frame(1, 4, 1, status('200'));
/** A header of 4,000 bytes that enters the table of HPACK, and then one byte for each repetition of it. */
const entry = Buffer.concat([Buffer.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x1e), Buffer.alloc(4_000, 0x61)]);
const repeated = Buffer.concat([status('200'), entry, Buffer.alloc(12_000, 0x80 | 62)]);

export const grpcAttacks = {
  bytes: [row('letters', (s) => flood(s, letters), down('WrongProtocol', 'not gRPC'))],
  silence: [slow('silence', () => undefined, 'no answer within')],
  drip: [slow('settings', (s) => drip(s, Buffer.concat([settings, frame(8, 0, 0)])), 'within')],
  pieces: [
    row(
      'frame in pieces',
      (s) => pieces(s, Buffer.concat([settings, Buffer.of(0, 0x40, 0, 0xbe), Buffer.alloc(2)])),
      down('WrongProtocol', 'more than 200 pieces'),
    ),
  ],
  messages: [
    row('WINDOW_UPDATE', after([], frame(8, 0, 0, Buffer.of(0, 0, 0, 1)))),
    row('ALTSVC', after([], frame(10, 0, 0, Buffer.from('\0\x01ah2=":1"')))),
    row('PING', after([], frame(6, 0, 0, Buffer.alloc(8)))),
    row('SETTINGS', after([], frame(4, 0, 0, setting(4, 65_535)))),
    row('SETTINGS that are answers', after([], frame(4, 1, 0))),
    row('unknown frames', after([], frame(0xbe, 0, 0, Buffer.alloc(16)))),
    row('PRIORITY', after([], frame(2, 0, 1, Buffer.of(0, 0, 0, 3, 16)))),
    row('RST_STREAM', after([], frame(3, 0, 1, Buffer.of(0, 0, 0, 8))), down('ClosedEarly')),
    row('GOAWAY', after([], frame(7, 0, 0, Buffer.alloc(8, 0x7f)))),
    row('PUSH_PROMISE', after([], frame(5, 4, 1, Buffer.of(0, 0, 0, 2)))),
    row('CONTINUATION without content', after([frame(1, 0, 1, status('200'))], frame(9, 0, 1))),
    row(
      'CONTINUATION',
      after([frame(1, 0, 1, status('200'))], frame(9, 0, 1, Buffer.of(0, 1, 0x61, 1, 0x61))),
    ),
    row('empty DATA', after([headers], frame(0, 0, 1))),
    row('DATA', after([headers], frame(0, 0, 1, Buffer.alloc(64))), down('WrongProtocol', 'not gRPC')),
  ],
  preliminaries: [row('interim answers', after([], frame(1, 4, 1, status('103'))))],
  lengths: [
    row('frame of 16 MiB', after([headers, Buffer.of(0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1)], letters)),
    row(
      'message of 4 GiB',
      after(
        [headers, frame(0, 0, 1, Buffer.of(0, 0xff, 0xff, 0xff, 0xff))],
        frame(0, 0, 1, letters.subarray(0, 512)),
      ),
    ),
    row(
      'window beyond 2 GiB',
      after(
        [frame(8, 0, 0, Buffer.of(0x7f, 0xff, 0xff, 0xff))],
        frame(8, 0, 0, Buffer.of(0x7f, 0xff, 0xff, 0xff)),
      ),
    ),
    slow(
      'window of 0',
      (s) => void s.write(Buffer.concat([frame(4, 0, 0, setting(4, 0)), frame(4, 1, 0)])),
      'no answer to the call',
    ),
    row('windows that open and close', (s) => {
      s.write(settings);
      let isOpen = false;
      floodWith(s, () => {
        isOpen = !isOpen;
        return frame(4, 0, 0, setting(4, isOpen ? 1 : 0));
      });
    }),
  ],
  nesting: none('an answer of a health check has no values within values'),
  compression: [
    row('HPACK table', after([frame(1, 4, 1, repeated)], frame(6, 0, 0, Buffer.alloc(8))), refused),
    row(
      'HPACK table of 4 GiB',
      after([frame(4, 0, 0, setting(1, 0xffff_ffff))], frame(1, 4, 1, Buffer.of(0x3f, 0xe1, 0x1f))),
      refused,
    ),
    row(
      'compressed message',
      (s) => void s.write(Buffer.concat([settings, headers, frame(0, 1, 1, Buffer.of(1, 0, 0, 0, 2, 8, 1))])),
    ),
  ],
  computation: [
    row(
      'headers without END_HEADERS',
      after([frame(1, 0, 1, status('200'))], frame(9, 0, 1, Buffer.alloc(8_192, 0x82))),
      refused,
    ),
    row('pushed streams', after([], frame(1, 4, 2, status('200'))), refused),
  ],
} satisfies Attacks;
