import { deflateSync } from 'node:zlib';
import { down, none, slow } from './attack.ts';
import type { Answer, Attacks } from './attack.ts';
import { drip, flood, letters, pieces } from './floods.ts';

const notMongo = down('WrongProtocol', 'not of the MongoDB protocol');
const row = (name: string, answer: Answer, expected = notMongo) => ({ name, answer, expected });

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const message = (body: Uint8Array, opcode = 2013, answers = 1): Buffer =>
  Buffer.concat([...[16 + body.length, 7, answers, opcode].map(int32), body]);
const opMsg = (document: Uint8Array, flags = 0, answers = 1): Buffer =>
  message(Buffer.concat([int32(flags), Buffer.of(0), document]), 2013, answers);
const document = (...fields: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(fields);
  return Buffer.concat([int32(body.length + 5), body, Buffer.of(0)]);
};
const field = (type: number, name: string, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(type), Buffer.from(`${name}\0`), value]);
const once =
  (bytes: Uint8Array): Answer =>
  (stream) =>
    void stream.write(bytes);
const again =
  (bytes: Uint8Array): Answer =>
  (stream) =>
    flood(stream, bytes);

/** As many levels as fit into 64 KiB: each has 8 bytes. */
function nested(type: number): Buffer {
  const levels = 8_000;
  const whole = Buffer.alloc(8 * levels + 5);
  for (let level = 0; level <= levels; level += 1) {
    const [begin, end] = [7 * level, whole.length - level];
    whole.writeInt32LE(end - begin, begin);
    if (level < levels) whole.set([type, 0x30, 0], begin + 4);
  }
  return whole;
}

const parentheses = Buffer.from(`${'('.repeat(30_000)}${')'.repeat(30_000)}\0\0`);
/** OP_COMPRESSED by zlib: of 16 MiB of zeros. */
const bomb = message(
  Buffer.concat([
    int32(2013),
    int32(16 * 1024 * 1024),
    Buffer.of(2),
    deflateSync(Buffer.alloc(16 * 1024 * 1024)),
  ]),
  2012,
);
const noAnswer = down('NotServing');

export const mongodbAttacks = {
  bytes: [row('letters', again(letters))],
  silence: [slow('silence', () => undefined, 'no answer within')],
  drip: [
    slow('message', (s) => drip(s, Buffer.concat([int32(65_536), Buffer.alloc(1)])), 'the answer started'),
  ],
  pieces: [
    row(
      'message in pieces',
      (s) => pieces(s, Buffer.concat([int32(65_536), Buffer.alloc(1)])),
      down('WrongProtocol', '200 pieces'),
    ),
  ],
  messages: [
    row('answers to other requests', again(opMsg(document(), 0, 7))),
    row('answers that have more to come', again(opMsg(document(), 2)), noAnswer),
  ],
  preliminaries: none('the first message is the answer'),
  lengths: [
    row('message of 2 GiB', again(int32(0x7fff_ffff))),
    row('message of a negative length', again(int32(-1))),
    row('message of no length', again(int32(0))),
    row('document of 2 GiB', once(opMsg(int32(0x7fff_ffff)))),
    row('string of 2 GiB', once(opMsg(document(field(2, 'a', int32(0x7fff_ffff)))))),
    row('string of a negative length', once(opMsg(document(field(2, 'a', int32(-1)))))),
  ],
  nesting: [
    row('documents', once(opMsg(nested(3))), noAnswer),
    row('arrays', once(opMsg(nested(4))), noAnswer),
  ],
  compression: [row('OP_COMPRESSED', again(bomb.subarray(0, 32_768)))],
  computation: [
    row('regular expression', once(opMsg(document(field(0x0b, 'a', parentheses)))), noAnswer),
    row(
      'many fields',
      once(opMsg(document(...Array.from({ length: 20_000 }, () => field(10, '', Buffer.alloc(0)))))),
      noAnswer,
    ),
  ],
} satisfies Attacks;
