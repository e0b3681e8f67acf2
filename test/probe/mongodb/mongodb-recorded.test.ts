import { expect, it } from '@jest/globals';
import * as bson from 'bson';
import { mongodbProtocol } from '../../../src/probe/mongodb/mongodb.ts';
import { hear } from '../support/hear.ts';
import { responded } from '../../support/builders/verdicts.ts';

/**
 * What real servers answered to `hello`, as their users printed and published it; the hosts have other names. Versions by
 * the highest wire version: 9 is 4.4, 13 is 5.0, 17 is 6.0, 21 is 7.0, 25 is 8.0, 27 is 8.2.
 */
const limits = {
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  logicalSessionTimeoutMinutes: 30,
  minWireVersion: 0,
  readOnly: false,
  ok: 1,
};

const topology = (processId: string, counter: number) => ({
  topologyVersion: { processId: new bson.ObjectId(processId), counter: bson.Long.fromNumber(counter) },
});

const set = (setName: string, setVersion: number, hosts: readonly string[], me: string) => ({
  hosts,
  setName,
  setVersion,
  primary: hosts[0],
  me,
});

const stamp = (seconds: number, increment = 1) => new bson.Timestamp({ t: seconds, i: increment });

/** All that a member says of time: its last write, its clock, its cluster's. */
function times(term: number, at: { write: number; local: string; cluster?: number; increment?: number }) {
  const opTime = { ts: stamp(at.write, at.increment), t: bson.Long.fromNumber(term) };
  const date = new Date(at.write * 1_000);
  const cluster = stamp(at.cluster ?? at.write, at.increment);
  return {
    lastWrite: { opTime, lastWriteDate: date, majorityOpTime: opTime, majorityWriteDate: date },
    localTime: new Date(at.local),
    $clusterTime: {
      clusterTime: cluster,
      signature: { hash: new bson.Binary(Buffer.alloc(20)), keyId: bson.Long.fromNumber(0) },
    },
    operationTime: stamp(at.write, at.increment),
  };
}

const election = (counter: string) => new bson.ObjectId(`7fffffff${counter.padStart(16, '0')}`);
const three = ['db-1.example:27017', 'db-2.example:27017', 'db-3.example:27017'] as const;
const primary = { isWritablePrimary: true, secondary: false };

const recorded: readonly (readonly [string, bson.Document, object])[] = [
  [
    'the primary of a 6.0',
    {
      ...topology('635a9dbbc752fabab79400d6', 6),
      ...set('rs0', 1, three, three[0]),
      ...primary,
      electionId: election('1'),
      ...times(1, { write: 1_666_883_479, local: '2022-10-27T15:11:20.366Z' }),
      ...limits,
      connectionId: 48,
      maxWireVersion: 17,
    },
    { ...responded, role: 'Primary', epoch: 1 },
  ],
  [
    'the primary of a 7.0 in its 21st term',
    {
      ...topology('655dd13aee0adf116345a70d', 5),
      ...set('rs0', 196_215, three, three[0]),
      ...primary,
      electionId: election('15'),
      ...times(21, { write: 1_700_647_422, local: '2023-11-22T10:03:46.740Z' }),
      ...limits,
      connectionId: 67,
      maxWireVersion: 21,
    },
    { ...responded, role: 'Primary', epoch: 21 },
  ],
  [
    'the primary of an Atlas cluster in its 695th term',
    {
      ...topology('66b65c5226d9b738055d3184', 6),
      ...set('atlas-shard-0', 63, three, three[2]),
      ...primary,
      primary: three[2],
      tags: { nodeType: 'ELECTABLE', provider: 'AWS', workloadType: 'OPERATIONAL', region: 'EU_CENTRAL_1' },
      electionId: election('2b7'),
      ...times(695, { write: 1_723_646_896, increment: 56, local: '2024-08-14T14:48:16.566Z' }),
      ...limits,
      connectionId: 211_170,
      maxWireVersion: 21,
    },
    { ...responded, role: 'Primary', epoch: 695 },
  ],
  [
    'a secondary of an 8.0, seven seconds after the last write of all',
    {
      ...topology('6a421915434d5cb2efeaa5e4', 3),
      ...set('rs0', 1, three, three[1]),
      isWritablePrimary: false,
      secondary: true,
      ...times(1, { write: 1_782_716_697, local: '2026-06-29T07:05:03.642Z' }),
      ...limits,
      connectionId: 23,
      maxWireVersion: 25,
    },
    { ...responded, role: 'Replica', lagSeconds: 0 },
  ],
  [
    'the primary of an 8.2 with one other member',
    {
      ...topology('6953d3cb3a60818dc20cc332', 14),
      ...set('rs0', 9, three.slice(0, 2), three[0]),
      ...primary,
      electionId: election('1'),
      ...times(1, { write: 1_767_102_361, local: '2025-12-30T13:46:05.800Z' }),
      ...limits,
      connectionId: 117,
      maxWireVersion: 27,
    },
    { ...responded, role: 'Primary', epoch: 1 },
  ],
  [
    'the primary of a DocumentDB, which tells no topology, no majority and no cluster time',
    {
      ...set('rs0', 1, three, three[0]),
      setVersion: undefined,
      ...primary,
      electionId: election('1'),
      lastWrite: {
        opTime: { ts: stamp(1_763_486_394, 2), t: bson.Long.fromNumber(1) },
        lastWriteDate: new Date('2025-11-18T17:19:54.000Z'),
      },
      localTime: new Date('2025-11-18T17:19:54.000Z'),
      operationTime: stamp(1_763_486_394, 2),
      ...limits,
      maxWireVersion: 13,
    },
    { ...responded, role: 'Primary', epoch: 1 },
  ],
  [
    'a lone 5.0',
    {
      isWritablePrimary: true,
      ...topology('691e688c4e0f6ac809353ce0', 0),
      localTime: new Date('2025-11-22T05:16:50.381Z'),
      ...limits,
      connectionId: 38,
      maxWireVersion: 13,
    },
    { ...responded, role: 'Primary' },
  ],
  [
    'a mongos of a 4.4',
    {
      isWritablePrimary: true,
      msg: 'isdbgrid',
      ...topology('60a1df5a6f48712ec8f807d1', 0),
      localTime: new Date('2021-06-22T09:09:12.945Z'),
      ...limits,
      connectionId: 61_258,
      maxWireVersion: 9,
      operationTime: stamp(1_624_352_952, 2),
    },
    responded,
  ],
];

/** The reply to request 1, as in mongodb.test.ts. */
function replyOf(document: bson.Document): Buffer {
  const body = bson.serialize(document, { ignoreUndefined: true });
  const head = Buffer.alloc(21);
  [21 + body.length, 99, 1, 2013, 0].forEach((value, index) => head.writeInt32LE(value, index * 4));
  return Buffer.concat([head, body]);
}

it.each(recorded)('mongodb understands %s', (_, document, verdict) => {
  expect(hear(mongodbProtocol(bson), [replyOf(document)]).verdict).toEqual(verdict);
});
