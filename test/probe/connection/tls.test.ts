import { describe, expect, it } from '@jest/globals';
import { createSecureContextCache, tlsPolicyOf } from '../../../src/probe/connection/tls.ts';
import { useAuthority } from '../support/resources.ts';

const authority = useAuthority();
const { cert, key } = authority.issue('DNS:prober.example');

describe('the cache of secure contexts', () => {
  it('is made once for a tls block', () => {
    const contexts = createSecureContextCache();
    const block = { ca: authority.ca };
    expect(contexts(block)).toBe(contexts(block));
  });

  it('is made anew where the Secret behind the block changed, which makes another block', () => {
    const contexts = createSecureContextCache();
    const before = contexts({ ca: authority.ca });
    expect(contexts({ ca: authority.ca, certificate: cert, key })).not.toBe(before);
  });

  it('is shared by all blocks that name no certificates, whatever else they say', () => {
    const contexts = createSecureContextCache();
    expect(contexts({ serverName: 'db.example' })).toBe(contexts({ insecureSkipVerify: true }));
  });

  it('that cannot be made says so each time', () => {
    const contexts = createSecureContextCache();
    const block = { certificate: 'x', key: 'x' };
    expect(() => contexts(block)).toThrow();
    expect(() => contexts(block)).toThrow();
  });
});

describe('a tls block', () => {
  it('verifies all unless it says insecureSkipVerify', () => {
    const contexts = createSecureContextCache();
    expect(tlsPolicyOf({}, contexts)).toMatchObject({ verify: 'full' });
    expect(tlsPolicyOf({ insecureSkipVerify: true }, contexts)).toMatchObject({ verify: 'none' });
  });
});
