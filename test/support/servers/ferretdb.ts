import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startPart, waitFor } from '../../controlplane/process.ts';
import { mustRun } from '../../controlplane/run.ts';
import type { Authority } from '../../probe/support/certificates.ts';
import { acceptsConnections, freePort } from './ports.ts';

/** A real FerretDB on 127.0.0.1, its data in memory. */
export interface FerretDb {
  readonly port: number;
  /** Port with TLS. Requires a client certificate of the authority. */
  readonly tlsPort: number;
  log(): string;
  remove(): Promise<void>;
}

/** Builds it if necessary (some minutes, once) and starts it. Its certificate is for `db.example`. */
export async function startFerretDb(authority: Authority): Promise<FerretDb> {
  const build = fileURLToPath(new URL('../../../.ci/go-program.sh', import.meta.url));
  const binary = (await mustRun([build, 'ferretdb'], { timeoutMs: 1_200_000 })).trim();
  const directory = mkdtempSync(join(tmpdir(), 'ferretdb-'));
  const file = (name: string) => join(directory, name);
  const { cert, key } = authority.issue('DNS:db.example');
  writeFileSync(file('server.crt'), cert);
  writeFileSync(file('server.key'), key);
  writeFileSync(file('ca.crt'), authority.ca);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const part = startPart(
    'ferretdb',
    [
      ...[binary, '-listen', `127.0.0.1:${port}`, '-listen-tls', `127.0.0.1:${tlsPort}`],
      ...['-certificate', file('server.crt'), '-key', file('server.key'), '-authority', file('ca.crt')],
    ],
    file('log'),
  );
  await waitFor(part, () => acceptsConnections(port), 20_000);
  return {
    port,
    tlsPort,
    log: () => part.log(10_000),
    remove: async () => {
      await part.kill();
      rmSync(directory, { recursive: true });
    },
  };
}
