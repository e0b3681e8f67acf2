import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server certificate whose chain costs its client far more than its server. */
export interface CostlyChain {
  /** PEM of the root. */
  readonly ca: string;
  /** PEM of the server's key, its certificate and the intermediate authorities. */
  readonly server: string;
}

const links = 3;

/**
 * Creates a chain of a P-256 server certificate below intermediate authorities with P-521 keys, by the openssl command.
 *
 * The server signs once with P-256. The client verifies each link, and P-521 is about twenty times as costly. This moves the
 * cost of a handshake to the process that probes, so that a server on the same cores does not limit the rate.
 */
export function createCostlyChain(names: string): CostlyChain {
  const directory = mkdtempSync(join(tmpdir(), 'costly-chain-'));
  const run = (...args: readonly string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const key = (curve: string) => ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`, '-nodes'];
  const sign = (name: string, issuer: string, curve: string, extension: string) => {
    writeFileSync(join(directory, 'extension'), `${extension}\n`);
    run('req', ...key(curve), '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const by = ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`, '-CAcreateserial', '-days', '3650'];
    run('x509', '-req', '-in', `${name}.csr`, ...by, '-extfile', 'extension', '-out', `${name}.crt`);
  };
  try {
    const root = [...key('P-521'), '-subj', '/CN=link0', '-keyout', 'link0.key', '-out', 'link0.crt'];
    run('req', '-x509', ...root, '-days', '3650');
    for (let n = 1; n <= links; n++)
      sign(`link${n}`, `link${n - 1}`, 'P-521', 'basicConstraints=critical,CA:TRUE');
    sign('server', `link${links}`, 'P-256', `subjectAltName=${names}`);
    const chain = Array.from({ length: links }, (_, n) => read(`link${links - n}.crt`));
    return { ca: read('link0.crt'), server: [read('server.key'), read('server.crt'), ...chain].join('\n') };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
