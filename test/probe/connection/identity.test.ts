import { describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { checkIdentity, sniOf } from '../../../src/probe/connection/identity.ts';
import { useAuthority } from '../support/resources.ts';

const authority = useAuthority();

/** A certificate by its common name and its alternative names. */
const certificate = (commonName: string, names?: string) =>
  new X509Certificate(authority.issue(names ?? '', undefined, commonName).cert).toLegacyObject();

describe('whom a certificate names', () => {
  it.each([
    ['a DNS name among the alternative names', 'db.example', 'x', 'DNS:db.example', true],
    ['another one', 'other.example', 'x', 'DNS:db.example', false],
    ['the common name where there is no other', 'db.example', 'db.example', undefined, true],
    ['not the common name where there are others', 'db.example', 'db.example', 'DNS:other.example', false],
    ['an address', '127.0.0.1', 'x', 'IP:127.0.0.1', true],
    ['another address', '127.0.0.2', 'x', 'IP:127.0.0.1', false],
    ['an instance of Cloud SQL', 'project:instance', 'project:instance', undefined, true],
    ['the same beside a DNS name', 'project:instance', 'project:instance', 'DNS:x.sql.goog', true],
    ['another instance', 'project:other', 'project:instance', undefined, false],
    ['a part of it', 'project', 'project:instance', undefined, false],
    ['an instance of a project of a domain', 'example.com:p:i', 'example.com:p:i', undefined, true],
    ['a URI', 'spiffe://cluster/ns/db', 'x', 'URI:spiffe://cluster/ns/db', true],
    ['a name that looks like two', 'a, DNS:db.example:x', 'x', 'URI:b', false],
  ])('%s', (_, name, commonName, names, fits) => {
    expect(checkIdentity(name, certificate(commonName, names)) === undefined).toBe(fits);
  });

  it.each([
    ['the common name is the address', '10.0.0.1', '10.0.0.1', undefined, true],
    ['the same beside a DNS name', '10.0.0.1', '10.0.0.1', 'DNS:db.example', true],
    ['the same beside another address', '10.0.0.1', '10.0.0.1', 'IP:10.0.0.2', false],
    ['the common name is another address', '10.0.0.1', '10.0.0.2', undefined, false],
  ])('an address as libpq finds it: %s', (_, name, commonName, names, fits) => {
    const seen = certificate(commonName, names);
    expect(checkIdentity(name, seen, { commonName: true }) === undefined).toBe(fits);
    expect(checkIdentity(name, seen)).toBeDefined();
  });
});

describe('the server name that is sent', () => {
  it.each([
    ['db.example', 'db.example'],
    ['my_db.example', 'my_db.example'],
    ['10.0.0.1', ''],
    ['fd00::1', ''],
    ['project:instance', ''],
    ['spiffe://cluster/ns/db', ''],
  ])('%s: "%s"', (name, sent) => expect(sniOf(name)).toBe(sent));
});
