import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from '../../probe/support/certificates.ts';

/** A curve whose signatures OpenSSL verifies in 2.2 ms each; those of P-521 in 1.1 ms, of P-256 in 0.1 ms. */
const curve = 'sect571r1';

/**
 * A server certificate for 127.0.0.1 behind so many authorities, each of which signs the next: 30 are 15 KiB, well within
 * the bound of a handshake, and cost a client 70 ms of CPU. The last certificate is the root, which nobody trusts.
 */
export function createCostlyChain(authorities: number): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'costly-chain-'));
  const openssl = (...args: readonly string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  writeFileSync(join(directory, 'config'), config);
  openssl('ecparam', '-name', curve, '-genkey', '-noout', '-out', 'ca.key');
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'server.key');
  const issue = (n: number, key: string, extensions: string): void => {
    const signer = n === 0 ? [] : ['-CA', `${n - 1}.crt`, '-CAkey', 'ca.key'];
    const subject = ['-subj', `/CN=${n}`, '-config', 'config', '-extensions', extensions];
    openssl('req', '-x509', '-new', '-key', key, '-days', '3650', '-out', `${n}.crt`, ...subject, ...signer);
  };
  for (let n = 0; n < authorities; n++) issue(n, 'ca.key', 'authority');
  issue(authorities, 'server.key', 'server');
  const cert = Array.from({ length: authorities + 1 }, (_, n) => read(`${authorities - n}.crt`)).join('');
  const key = read('server.key');
  rmSync(directory, { recursive: true });
  return { cert, key };
}

const config = `
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
[server]
subjectAltName = IP:127.0.0.1
`;
