import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** PEM of the authority itself. */
  readonly ca: string;
  /** A server certificate for these subject alternative names (`DNS:…`, `IP:…`; empty: none), valid from 2020 to `until` (YYYY). */
  issue(names: string, until?: string, commonName?: string): Certificate;
  /** A self-signed certificate with a key of RSA, 2,048 bits, for suites that want one. */
  issueRsa(): Certificate;
  remove(): void;
}

/** Made when the test runs, by the openssl command: no key is kept in the repository. */
export function createAuthority(): Authority {
  const directory = mkdtempSync(join(tmpdir(), 'probe-ca-'));
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const newKey = (commonName = 'probe test') => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    `/CN=${commonName}`,
  ];
  openssl('req', '-x509', ...newKey(), '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '3650');
  writeFileSync(join(directory, 'index.txt'), '');
  writeFileSync(join(directory, 'serial'), '01');
  writeFileSync(join(directory, 'ca.cnf'), config);
  return {
    ca: read('ca.crt'),
    issue: (names, until = '2049', commonName = 'probe test') => {
      const extension = names === '' ? 'basicConstraints=CA:FALSE' : `subjectAltName=${names}`;
      writeFileSync(join(directory, 'extensions'), `${extension}\n`);
      openssl('req', ...newKey(commonName), '-keyout', 'server.key', '-out', 'server.csr');
      const dates = ['-startdate', '20200101000000Z', '-enddate', `${until}0101000000Z`];
      openssl(
        'ca',
        '-batch',
        '-config',
        'ca.cnf',
        '-in',
        'server.csr',
        '-out',
        'server.crt',
        '-extfile',
        'extensions',
        '-notext',
        ...dates,
      );
      return { cert: read('server.crt'), key: read('server.key') };
    },
    issueRsa: () => {
      const key = ['-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=probe test'];
      openssl('req', '-x509', ...key, '-keyout', 'rsa.key', '-out', 'rsa.crt', '-days', '3650');
      return { cert: read('rsa.crt'), key: read('rsa.key') };
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** `openssl ca`, unlike `openssl x509` before 3.4, can set both dates. */
const config = `
[ca]
default_ca = here
[here]
dir = .
database = index.txt
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;
