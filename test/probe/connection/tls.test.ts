import { describe, expect, it } from '@jest/globals';
import { createTrust, tlsPolicyOf } from '../../../src/probe/connection/tls.ts';
import { useAuthority } from '../support/resources.ts';

const authority = useAuthority();
const { cert, key } = authority.issue('DNS:prober.example');

describe('trust', () => {
  it('is made once for a tls block', () => {
    const trust = createTrust();
    const block = { ca: authority.ca };
    expect(trust(block)).toBe(trust(block));
  });

  it('is made anew where the Secret behind the block changed, which makes another block', () => {
    const trust = createTrust();
    const before = trust({ ca: authority.ca });
    expect(trust({ ca: authority.ca, certificate: cert, key })).not.toBe(before);
  });

  it('is shared by all blocks that name no certificates, whatever else they say', () => {
    const trust = createTrust();
    expect(trust({ serverName: 'db.example' })).toBe(trust({ insecureSkipVerify: true }));
  });

  it('that cannot be made says so each time', () => {
    const trust = createTrust();
    const block = { certificate: 'x', key: 'x' };
    expect(() => trust(block)).toThrow();
    expect(() => trust(block)).toThrow();
  });
});

describe('a tls block', () => {
  it('verifies all unless it says insecureSkipVerify', () => {
    const trust = createTrust();
    expect(tlsPolicyOf({}, trust)).toMatchObject({ verify: 'full' });
    expect(tlsPolicyOf({ insecureSkipVerify: true }, trust)).toMatchObject({ verify: 'none' });
  });
});
