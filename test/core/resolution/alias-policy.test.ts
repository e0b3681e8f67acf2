import { expect, it } from '@jest/globals';
import { aliasPolicy, isNamePattern } from '../../../src/core/resolution/alias-policy.ts';

const denying = aliasPolicy(['*.svc.cluster.local', 'metadata.google.internal']);

it.each([
  ['kubernetes.default.svc.cluster.local', 'denied by --alias-deny *.svc.cluster.local'],
  ['KUBERNETES.default.svc.Cluster.Local.', 'denied by --alias-deny *.svc.cluster.local'],
  ['metadata.google.internal', 'denied by --alias-deny metadata.google.internal'],
  ['localhost', 'their own machine'],
  ['db.LOCALHOST.', 'their own machine'],
  ['0x7f000001', 'an IP address'],
  ['127.0.0x1', 'an IP address'],
])('An alias may not lead to %s: %s', (host, words) => expect(denying(host)).toContain(words));

it.each([
  'svc.cluster.local',
  'db.notsvc.cluster.local',
  'xsvc.cluster.local',
  'a.metadata.google.internal',
  'localhost.example.com',
  'notlocalhost',
  '0x7f.example.com',
  'x0x1',
])('An alias may lead to %s', (host) => expect(denying(host)).toBeUndefined());

it('An alias may lead to a Service of the cluster where no flag denies it', () =>
  expect(aliasPolicy()('db.shop.svc.cluster.local')).toBeUndefined());

it.each([
  ['*.svc.cluster.local', true],
  ['db.example.com', true],
  ['*.local', true],
  ['*', false],
  ['*svc.local', false],
  ['a.*.local', false],
  ['db.example.com.', false],
  ['', false],
  ['a_b.example.com', false],
])('%s is a pattern: %s', (text, is) => expect(isNamePattern(text)).toBe(is));
