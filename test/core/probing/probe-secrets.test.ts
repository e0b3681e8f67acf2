import { describe, expect, it } from '@jest/globals';
import {
  isPending,
  probeSecretsOf,
  secretNames,
  type SecretState,
} from '../../../src/core/probing/probe-secrets.ts';
import { aBackend } from '../../support/builders/builders.ts';

const databases = { probe: { redis: {} }, ports: [{ port: 6379 }] };
const login = { credentials: { secretName: 'login' } };
const verified = { tls: { caSecret: { name: 'ca' }, serverName: 'db.example' } };
const certified = { tls: { caSecret: { name: 'ca' }, certificateSecretName: 'client' } };

const found = {
  login: { data: { username: 'probe', password: 'open-sesame' } },
  ca: { data: { 'ca.crt': 'THE CA' } },
  client: { data: { 'tls.crt': 'THE CERTIFICATE', 'tls.key': 'THE KEY' } },
};
const gone: SecretState = { error: 'there is no such Secret' };

const of = (spec: object, secrets: Readonly<Record<string, SecretState>> = found) =>
  probeSecretsOf(aBackend({ ...databases, ...spec }).spec, (name) => secrets[name]);

describe('TLS options and credentials from Secrets', () => {
  it.each([
    ['nothing where the spec refers to nothing', {}, found, {}],
    ['user and password', login, found, { credentials: { username: 'probe', password: 'open-sesame' } }],
    [
      "a password alone is the default user's",
      login,
      { login: { data: { password: 'x' } } },
      { credentials: { username: '', password: 'x' } },
    ],
    [
      'no password',
      login,
      { login: { data: { username: 'probe' } } },
      { credentialsMissing: 'Secret login has no key password' },
    ],
    [
      'no password in an empty Secret',
      login,
      { login: { data: {} } },
      { credentialsMissing: 'Secret login has no key password' },
    ],
    [
      'no password among other keys, none of which is named',
      login,
      {
        login: {
          data: Object.fromEntries(
            ['x'.repeat(99), 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => [key, 'open-sesame']),
          ),
        },
      },
      {
        credentialsMissing: 'Secret login has no key password',
      },
    ],
    [
      'user and password of files that end with a line break',
      login,
      { login: { data: { username: 'probe\r\n', password: 'open-sesame\n' } } },
      { credentials: { username: 'probe', password: 'open-sesame' } },
    ],
    [
      'one line break alone is taken off, and nothing else',
      login,
      { login: { data: { username: ' probe ', password: '\nopen\nsesame \n\n' } } },
      { credentials: { username: ' probe ', password: '\nopen\nsesame \n' } },
    ],
    ['no Secret', login, { login: gone }, { credentialsMissing: 'Secret login: there is no such Secret' }],
    ['a Secret that is not read yet', login, {}, { credentialsPending: 'Secret login is not read yet' }],
    ['a CA', verified, found, { tls: { insecureSkipVerify: false, serverName: 'db.example', ca: 'THE CA' } }],
    [
      'a CA under another key',
      { tls: { caSecret: { name: 'ca', key: 'root' } } },
      { ca: { data: { root: 'R' } } },
      { tls: { insecureSkipVerify: false, ca: 'R' } },
    ],
    [
      'no CA under a key that every object has',
      { tls: { caSecret: { name: 'ca', key: 'constructor' } } },
      found,
      { tlsMissing: 'Secret ca has no key constructor' },
    ],
    [
      'a CA of more than 64 KiB',
      verified,
      { ca: { data: { 'ca.crt': 'a'.repeat(64 * 1024 + 1) } } },
      {
        tlsMissing: 'key ca.crt of Secret ca has 65 KiB; the limit is 64 KiB: keep only what the probes need',
      },
    ],
    [
      'a client certificate next to a large key that is not used',
      certified,
      { ...found, client: { data: { ...found.client.data, chain: 'a'.repeat(1_000_000) } } },
      { tls: { insecureSkipVerify: false, ca: 'THE CA', certificate: 'THE CERTIFICATE', key: 'THE KEY' } },
    ],
    [
      'a client certificate',
      certified,
      found,
      { tls: { insecureSkipVerify: false, ca: 'THE CA', certificate: 'THE CERTIFICATE', key: 'THE KEY' } },
    ],
    [
      'both missing',
      certified,
      { ca: gone, client: { data: { 'tls.crt': 'C' } } },
      { tlsMissing: 'Secret ca: there is no such Secret; Secret client has no key tls.key' },
    ],
    ['one not read yet', certified, { ca: found.ca }, { tlsPending: 'Secret client is not read yet' }],
    ['TLS without Secrets', { tls: { insecureSkipVerify: true } }, {}, { tls: { insecureSkipVerify: true } }],
  ])('%s', (_, spec, secrets, wanted) =>
    expect(of(spec, secrets as Readonly<Record<string, SecretState>>)).toEqual(wanted),
  );

  it('are pending while one Secret is not read', () => {
    expect(isPending(of({ ...login, ...verified }, { ca: found.ca }))).toBe(true);
    expect(isPending(of({ ...login, ...verified }, { login: found.login }))).toBe(true);
    expect(isPending(of({ ...login, ...verified }))).toBe(false);
    expect(isPending(of({ ...login, ...verified }, { login: gone, ca: gone }))).toBe(false);
  });

  it('are reported as missing without any content of the Secrets', () => {
    const odd = {
      login: { data: { username: 'probe-user', passwort: 'open-sesame' } },
      ca: { data: { 'ca.pem': 'open-sesame' } },
    };
    expect(JSON.stringify(of({ ...login, ...verified }, odd))).not.toMatch(/open-sesame|probe-user/);
  });
});

describe('tlsConnectOptions', () => {
  it('returns each Secret of the spec once', () => {
    const tls = { caSecret: { name: 'one' }, certificateSecretName: 'one' };
    expect(secretNames(aBackend({ ...databases, credentials: { secretName: 'login' }, tls }).spec)).toEqual([
      'login',
      'one',
    ]);
    expect(secretNames(aBackend().spec)).toEqual([]);
  });
});
