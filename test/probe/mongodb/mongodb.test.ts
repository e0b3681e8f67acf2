import { describe, expect, it } from '@jest/globals';
import * as bson from 'bson';
import fc from 'fast-check';
import type { MongodbHandler } from '../../../src/core/probing/check.ts';
import { createMongodb, mongodbProtocol } from '../../../src/probe/mongodb/mongodb.ts';
import type { MongodbProtocolOptions } from '../../../src/probe/mongodb/mongodb.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { cuts, hear } from '../support/hear.ts';
import type { ListenerOptions } from '../support/listener.ts';
import { useListeners } from '../support/resources.ts';
import { responded } from '../../support/builders/verdicts.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);
const stamp = (seconds: number) => new bson.Timestamp({ t: 1_767_225_600 + seconds, i: 1 });
const opTime = (seconds: number) => ({ ts: stamp(seconds), t: bson.Long.fromNumber(4) });

/**
 * Answers in the shape in which MongoDB 4.4 to 7 give them (`db.hello()` of the shell prints them so). Debian has no
 * MongoDB package, so no server of its own kind runs here.
 */
const common = {
  topologyVersion: {
    processId: new bson.ObjectId('6227eb7b05cb095b08afb25f'),
    counter: bson.Long.fromNumber(6),
  },
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  localTime: at(100.5),
  logicalSessionTimeoutMinutes: 30,
  connectionId: 7,
  minWireVersion: 0,
  maxWireVersion: 21,
  readOnly: false,
};
const times = (lastWrite: number, cluster: number) => ({
  lastWrite: {
    opTime: opTime(lastWrite),
    lastWriteDate: at(lastWrite),
    majorityOpTime: opTime(lastWrite),
    majorityWriteDate: at(lastWrite),
  },
  $clusterTime: {
    clusterTime: stamp(cluster),
    signature: { hash: new bson.Binary(Buffer.alloc(20)), keyId: 0 },
  },
  operationTime: stamp(lastWrite),
});
const member = {
  hosts: ['a.example:27017', 'b.example:27017', 'c.example:27017'],
  setName: 'rs0',
  setVersion: 3,
  primary: 'a.example:27017',
  me: 'a.example:27017',
  ...common,
};
const primary = {
  ...member,
  isWritablePrimary: true,
  secondary: false,
  electionId: new bson.ObjectId('7fffffff0000000000000230'),
  ...times(100, 100),
  ok: 1,
};
const secondary = { ...member, isWritablePrimary: false, secondary: true, ...times(100, 100), ok: 1 };
const lone = { isWritablePrimary: true, ...common, ok: 1 };

function message(document: bson.Document, { flags = 0, answers = 1, opcode = 2013, kind = 0 } = {}): Buffer {
  const body = bson.serialize(document);
  const head = Buffer.alloc(21);
  [21 + body.length + (flags & 1) * 4, 99, answers, opcode, flags].forEach((value, index) =>
    head.writeInt32LE(value, index * 4),
  );
  head.writeUInt8(kind, 20);
  return Buffer.concat([head, body, Buffer.alloc((flags & 1) * 4)]);
}

function said(bytes: Uint8Array, options: MongodbProtocolOptions = {}) {
  return hear(mongodbProtocol(bson, options), [bytes]).verdict;
}

describe('mongodb asks', () => {
  it('hello, in one message', () => {
    const { sent } = hear(mongodbProtocol(bson), []);
    expect(sent.readInt32LE(0)).toBe(sent.length);
    expect(sent.readInt32LE(12)).toBe(2013);
    expect(bson.deserialize(sent.subarray(21))).toEqual({ hello: 1, $db: 'admin' });
    expect(sent.subarray(21)).toEqual(Buffer.from(bson.serialize({ hello: 1, $db: 'admin' })));
  });

  it('for TLS before the first byte', () => {
    expect(mongodbProtocol(bson, { secure: true }).next(Buffer.alloc(0))).toMatchObject({ kind: 'secure' });
  });
});

const answers: readonly (readonly [string, bson.Document, object])[] = [
  ['a primary, with its term', primary, { ...responded, role: 'Primary', epoch: 0x230 }],
  [
    'a primary whose electionId is of another make',
    { ...primary, electionId: new bson.ObjectId() },
    { ...responded, role: 'Primary' },
  ],
  ['a lone server', lone, { ...responded, role: 'Primary' }],
  ['a mongos', { ...lone, msg: 'isdbgrid' }, responded],
  ['a secondary that has all', secondary, { ...responded, role: 'Replica', lagSeconds: 0 }],
  [
    'a secondary of an idle set: silence is no lag',
    { ...secondary, ...times(89, 89) },
    { ...responded, role: 'Replica', lagSeconds: 0 },
  ],
  [
    'a secondary that has heard of newer writes',
    { ...secondary, ...times(94, 99) },
    { ...responded, role: 'Replica', lagSeconds: 5 },
  ],
  [
    'a secondary cut off from all others',
    { ...secondary, ...times(40, 40) },
    { ...responded, role: 'Replica', lagSeconds: 60 },
  ],
  [
    'a secondary of a shard, whose cluster is ahead of it',
    { ...secondary, ...times(99, 150) },
    { ...responded, role: 'Replica', lagSeconds: 1 },
  ],
  [
    'a secondary that tells no cluster time',
    { ...secondary, ...times(94, 99), $clusterTime: 0 },
    { ...responded, role: 'Replica', lagSeconds: 0 },
  ],
  [
    'a secondary that tells no times',
    { ...secondary, lastWrite: 'never' },
    { ...responded, role: 'Replica' },
  ],
  [
    'an arbiter',
    { ...member, isWritablePrimary: false, secondary: false, arbiterOnly: true, ok: 1 },
    { kind: 'down', reason: 'NotServing' },
  ],
  [
    'a member that recovers',
    { ...member, isWritablePrimary: false, secondary: false, ok: 1 },
    { kind: 'down', reason: 'NotServing' },
  ],
  [
    'a set that is not initiated',
    {
      isWritablePrimary: false,
      secondary: false,
      info: 'Does not have a valid replica set config',
      isreplicaset: true,
      ...common,
      ok: 1,
    },
    { kind: 'down', reason: 'NotServing' },
  ],
  [
    'a server that shuts down',
    {
      ok: 0,
      errmsg: 'Replication is being shut down',
      code: 91,
      codeName: 'ShutdownInProgress',
      remainingQuiesceTimeMillis: 9000,
    },
    { kind: 'down', reason: 'ShuttingDown' },
  ],
  [
    'a server that wants a login first',
    { ok: 0, code: 13, codeName: 'Unauthorized' },
    { kind: 'up', reason: 'AuthRequired' },
  ],
  [
    'a server that is too old',
    { ok: 0, errmsg: "no such command: 'hello'", code: 59, codeName: 'CommandNotFound' },
    { kind: 'down', reason: 'NotServing', message: 'the hello command failed with error 59 CommandNotFound' },
  ],
  ['an empty document', {}, { kind: 'down', reason: 'NotServing' }],
];

describe('mongodb understands', () => {
  it.each(answers)('%s', (_, document, verdict) => {
    expect(said(message(document))).toMatchObject(verdict);
    expect(said(message(document, { flags: 1 }))).toEqual(said(message(document)));
  });

  it('no lag and no role but what the answer says', () => {
    expect(said(message(lone))).toEqual({ ...responded, role: 'Primary' });
    expect(said(message({ ...secondary, lastWrite: 'never' }))).toEqual({ ...responded, role: 'Replica' });
  });

  it('a member of the set that is asked for, and no other', () => {
    expect(said(message(primary), { setName: 'rs0' })).toMatchObject({ kind: 'up' });
    expect(said(message(primary), { setName: 'rs1' })).toMatchObject({ kind: 'down', reason: 'NotServing' });
    expect(said(message(lone), { setName: 'rs0' })).toMatchObject({ kind: 'down', reason: 'NotServing' });
  });
});

const strangers: readonly (readonly [string, Buffer])[] = [
  ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['a greeting', Buffer.from('220 mail.example ESMTP\r\n')],
  ['a message too long', Buffer.from([0, 0, 1, 1])],
  ['a message of negative length', Buffer.from([0, 0, 0, 0xff])],
  ['an answer to something else', message(lone, { answers: 7 })],
  ['another opcode', message(lone, { opcode: 1 })],
  ['another section', message(lone, { kind: 1 })],
  ['no BSON', Buffer.concat([message(lone).subarray(0, 25), message(lone).subarray(25).fill(0xee)])],
];

describe('mongodb is down where the answer is', () => {
  it.each(strangers)('%s', (_, bytes) => {
    expect(said(bytes)).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
  });
});

/** Answers with some bytes changed: closer to home than arbitrary ones. */
const bent = fc
  .tuple(
    fc.constantFrom(...answers.map(([, document]) => message(document))),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
  )
  .map(([bytes, changes]) => {
    const copy = Buffer.from(bytes);
    for (const [place, value] of changes) copy[place % copy.length] = value;
    return copy;
  });

describe('mongodb, whatever the peer says', () => {
  it('gives the same verdict however the bytes are cut, and never throws', () => {
    fc.assert(
      fc.property(cuts(fc.oneof(bent, fc.uint8Array({ maxLength: 200 }))), (pieces) => {
        const whole = hear(mongodbProtocol(bson), [Buffer.concat(pieces)]);
        expect(hear(mongodbProtocol(bson), pieces)).toEqual(whole);
      }),
      { numRuns: 1_000 },
    );
  });

  it('does not trip over a document that nests as deep as it can', () => {
    // {a: {a: {a: …}}}: each level is 4 bytes of length, 3 of name, 1 of end.
    const depth = 8_000;
    const opening = Array.from({ length: depth }, (_, level) => {
      const bytes = Buffer.alloc(7);
      bytes.writeInt32LE((depth - level) * 8 + 5);
      bytes.write('\x03a\0', 4, 'latin1');
      return bytes;
    });
    const document = Buffer.concat([...opening, Buffer.from([5, 0, 0, 0, 0]), Buffer.alloc(depth)]);
    const head = message({}).subarray(0, 21);
    head.writeInt32LE(21 + document.length, 0);
    expect(said(Buffer.concat([head, document]))).toMatchObject({ kind: 'down' });
  });
});

const listen = useListeners();

async function ask(options: ListenerOptions, handler: Partial<MongodbHandler> = {}) {
  const listener = await listen(options);
  const check = tcpCheck(listener.port, { handler: { kind: 'mongodb', ...handler }, timeoutMs: 500 });
  return createMongodb()(check, forever);
}

const onHello = (
  act: (socket: Parameters<NonNullable<ListenerOptions['onConnection']>>[0]) => void,
): ListenerOptions => ({
  onConnection: (socket) => socket.once('data', () => act(socket)),
});
const peers: readonly (readonly [string, ListenerOptions, object])[] = [
  ['answers', onHello((socket) => socket.write(message(primary))), { ...responded, role: 'Primary' }],
  [
    'dribbles its answer',
    onHello((socket) => dribble(socket, message(primary))),
    { ...responded, role: 'Primary' },
  ],
  [
    'says 100 MB',
    onHello((socket) => socket.write(Buffer.alloc(100_000_000, 1))),
    { reason: 'WrongProtocol' },
  ],
  ['never answers', {}, { reason: 'Timeout' }],
  [
    'stops in the middle',
    onHello((socket) => socket.write(message(primary).subarray(0, 60))),
    { reason: 'Timeout' },
  ],
  [
    'closes in the middle',
    onHello((socket) => socket.end(message(primary).subarray(0, 60))),
    { reason: 'ClosedEarly' },
  ],
  ['resets', onHello((socket) => socket.resetAndDestroy()), { reason: 'Reset' }],
];

function dribble(socket: { write(bytes: Uint8Array): unknown }, bytes: Buffer, from = 0): void {
  if (from >= bytes.length) return;
  socket.write(bytes.subarray(from, from + 16));
  setImmediate(() => dribble(socket, bytes, from + 16));
}

describe('mongodb with a peer that', () => {
  it.each(peers)('%s', async (_, options, verdict) => {
    expect(await ask(options)).toMatchObject(verdict);
  });
});
