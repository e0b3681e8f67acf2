import { describe, expect, it } from '@jest/globals';
import type { OwnerReference } from '../../../src/core/kubernetes/objects.ts';
import {
  belongsTo,
  isOwnedByUid,
  ownerName,
  ownerReference,
  serviceOf,
} from '../../../src/core/kubernetes/ownership.ts';
import { oldestClaimant } from '../../../src/core/kubernetes/claims.ts';
import { aService, aSlice } from '../../support/builders/builders.ts';

const ours = ownerReference({ name: 'orders-db', uid: 'u1' });
const theirs: OwnerReference = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  name: 'web',
  uid: 'd1',
  controller: true,
};
const annotated = { 'externalbackend.io/backend': 'orders-db' };

describe('the owner of an object', () => {
  it.each([
    ['our controller reference', [ours], {}, 'orders-db', true],
    [
      'ours in another API version',
      [{ ...ours, apiVersion: 'externalbackend.io/v1' }],
      {},
      'orders-db',
      true,
    ],
    ['an owner that does not control', [{ ...ours, controller: false }], {}, undefined, false],
    ['a namesake group', [{ ...ours, apiVersion: 'externalbackend.io.example/v1' }], {}, undefined, false],
    ['another controller', [theirs], {}, undefined, false],
    ['another controller and our annotation', [theirs], annotated, undefined, false],
    ['no owner and our annotation', [], annotated, undefined, true],
    [
      'no owner and the annotation of a sibling',
      [],
      { 'externalbackend.io/backend': 'other' },
      undefined,
      false,
    ],
    ['nothing', [], {}, undefined, false],
  ] as const)('%s', (_, ownerReferences, annotations, owner, belongs) => {
    const service = aService({}, { ownerReferences, annotations });
    expect(ownerName(service)).toBe(owner);
    expect(belongsTo(service, 'orders-db')).toBe(belongs);
  });

  it('is identified by the UID of the backend', () => {
    const { metadata } = aService({}, { ownerReferences: [theirs, ours] });
    expect([isOwnedByUid(metadata, 'u1'), isOwnedByUid(metadata, 'u2')]).toEqual([true, false]);
  });
});

describe('serviceOf', () => {
  const name = 'orders-db-ipv4-1dd3ir-0';
  it.each([
    [
      'a slice of ours, by its name, whatever its label says',
      { name, ownerReferences: [ours], labels: {} },
      'orders-db',
    ],
    ['a slice of another client, by its label', { name, labels: { 'kubernetes.io/service-name': 'x' } }, 'x'],
    ['a slice of ours with a name we do not give', { name: 'x', ownerReferences: [ours] }, 'orders-db'],
    ['a slice without a label', { name: 'x', labels: {} }, undefined],
  ] as const)('of %s', (_, metadata, service) => {
    expect(serviceOf(aSlice([], undefined, metadata))).toBe(service);
  });
});

describe('winner', () => {
  const claimant = (name: string, second: number, adopt = false) => ({
    name,
    creationTimestamp: `2026-01-01T00:00:0${second}Z`,
    adopt,
  });
  const [first, second, third] = [claimant('c', 1), claimant('b', 2), claimant('a', 3)];

  it.each([
    ['the oldest', [third, second, first], undefined, 'c'],
    ['of the same second the lesser name', [claimant('b', 1), claimant('a', 1)], undefined, 'a'],
    ['none when there is no claim', [], 'a', undefined],
    ['the holder, whatever its age', [first, second, third], 'a', 'a'],
    ['the oldest, when the holder does not claim it any more', [second, third], 'c', 'b'],
    ['an older one that adopts', [claimant('c', 1, true), second, third], 'a', 'c'],
    [
      'the oldest of those that adopt',
      [first, claimant('b', 2, true), claimant('x', 3, true), third],
      'x',
      'b',
    ],
    ['the holder, when only a younger one adopts', [second, claimant('a', 3, true)], 'b', 'b'],
    ['the holder that adopted', [claimant('c', 1, true), claimant('a', 3, true)], 'c', 'c'],
  ])('is %s', (_, claimants, holder, name) => expect(oldestClaimant(claimants, holder)?.name).toBe(name));
});
