import { describe, expect, it } from '@jest/globals';
import type { SecureContextOptions } from 'node:tls';
import type { Handler } from '../../src/core/probing/check.ts';
import { useProbes } from './support/use-probes.ts';
import { beginTls } from '../support/hostile/begin-tls.ts';
import type { Prelude } from '../support/hostile/begin-tls.ts';
import { dhParameters } from '../support/hostile/dh-parameters.ts';
import { tlsHandlers } from '../support/hostile/table.ts';
import { forever, tcpCheck } from './support/checks.ts';
import { useAuthority, useListeners } from './support/resources.ts';

const authority = useAuthority();
const certificate = authority.issueRsa();
const probes = useProbes();
const listen = useListeners();

async function ask(prelude: Prelude, handler: Handler, options: SecureContextOptions) {
  const onConnection: (socket: Parameters<typeof beginTls>[0]) => void = (socket) =>
    beginTls(socket, prelude, { ...certificate, ...options });
  const listener = await listen({ onConnection });
  return probes.probe(tcpCheck(listener.port, { handler }), forever);
}

/** Whatever a protocol makes of the rest: here it matters whether the handshake is refused. */
const noCommonOffer = {
  kind: 'down',
  reason: 'TlsFailed',
  message: expect.stringContaining('needs TLS 1.3 or ECDHE; DHE is not offered'),
};

describe.each(tlsHandlers)('A server that the %s handler asks', (_, prelude, handler) => {
  it('is TlsFailed where it speaks finite-field DHE alone, in TLS 1.2 with a group of its own', async () => {
    const options: SecureContextOptions = {
      maxVersion: 'TLSv1.2',
      ciphers: 'DHE-RSA-AES128-GCM-SHA256',
      dhparam: dhParameters(10_000),
    };
    expect(await ask(prelude, handler, options)).toMatchObject(noCommonOffer);
  });

  it('is TlsFailed where it speaks finite-field DHE alone, in TLS 1.3', async () => {
    const options: SecureContextOptions = { minVersion: 'TLSv1.3', ecdhCurve: 'ffdhe3072:ffdhe2048' };
    expect(await ask(prelude, handler, options)).toMatchObject(noCommonOffer);
  });
});
