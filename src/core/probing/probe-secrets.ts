import type { Spec } from '../../api/external-backend.ts';
import type { Credentials, TlsOptions } from './check.ts';
import { lookUp } from '../look-up.ts';

/** Content of a Secret as text, or why it cannot be read; undefined: not known yet. */
export type SecretState =
  { readonly data: Readonly<Record<string, string>> } | { readonly error: string } | undefined;

/** Looks up a Secret of the backend's namespace by name. */
export type SecretOf = (name: string) => SecretState;

/** Input of probes from Secrets. */
export interface ProbeSecrets {
  readonly tls?: TlsOptions;
  readonly credentials?: Credentials;
  /**
   * Reason why TLS cannot be used as the spec requires. No probe is sent, because a server must not become unhealthy
   * for it.
   */
  readonly tlsMissing?: string;
  /** Reason why no login is possible. The server is probed as far as that is possible without one. */
  readonly credentialsMissing?: string;
  /**
   * Secrets of TLS and of the credentials that are not read yet, shortly after the start. Until they are read
   * no probe is sent.
   */
  readonly tlsPending?: string;
  readonly credentialsPending?: string;
}

/** Returns true if a Secret is not read yet. */
export const isPending = ({ tlsPending, credentialsPending }: ProbeSecrets): boolean =>
  tlsPending !== undefined || credentialsPending !== undefined;

/** Returns the names of the Secrets to which the spec refers, each once. */
export const secretNames = ({ credentials, tls }: Spec): readonly string[] => [
  ...new Set(
    [credentials?.secretName, tls?.caSecret?.name, tls?.certificateSecretName].filter(
      (name) => name !== undefined,
    ),
  ),
];

export function probeSecretsOf(spec: Spec, secretOf: SecretOf): ProbeSecrets {
  return { ...tlsOf(spec, secretOf), ...credentialsOf(spec, secretOf) };
}

function credentialsOf({ credentials }: Spec, secretOf: SecretOf): ProbeSecrets {
  if (credentials === undefined) return {};
  const { secretName, allowClearText } = credentials;
  const credentialsPending = pendingText([secretName], secretOf);
  if (credentialsPending !== undefined) return { credentialsPending };
  const values = read(secretOf, secretName, ['username', 'password'], ['username']);
  if (typeof values === 'string') return { credentialsMissing: values };
  const { username = '', password = '' } = values;
  return {
    credentials: {
      username: withoutLineBreak(username),
      password: withoutLineBreak(password),
      ...(allowClearText === true && { allowClearText }),
    },
  };
}

/**
 * Removes one line break at the end, because Secrets are often created from files that end with one. A line
 * of a .pgpass is read in the same way.
 */
const withoutLineBreak = (text: string): string => text.replace(/\r?\n$/, '');

function tlsOf({ tls }: Spec, secretOf: SecretOf): ProbeSecrets {
  if (tls === undefined) return {};
  const { caSecret, certificateSecretName, serverName, insecureSkipVerify, verify } = tls;
  const tlsPending = pendingText([caSecret?.name, certificateSecretName], secretOf);
  if (tlsPending !== undefined) return { tlsPending };
  const ca = caSecret ? read(secretOf, caSecret.name, [caSecret.key]) : {};
  const pair = certificateSecretName ? read(secretOf, certificateSecretName, ['tls.crt', 'tls.key']) : {};
  const missing = [ca, pair].filter((each) => typeof each === 'string');
  if (typeof ca === 'string' || typeof pair === 'string') return { tlsMissing: missing.join('; ') };
  return {
    tls: withoutUnset({
      insecureSkipVerify,
      serverName,
      verify,
      ca: caSecret && ca[caSecret.key],
      certificate: pair['tls.crt'],
      key: pair['tls.key'],
    }),
  };
}

const withoutUnset = (options: {
  readonly [Key in keyof TlsOptions]: TlsOptions[Key] | undefined;
}): TlsOptions => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/** Undefined: all are read. */
function pendingText(names: readonly (string | undefined)[], secretOf: SecretOf): string | undefined {
  const pending = names.filter((name) => name !== undefined && secretOf(name) === undefined);
  return pending.length > 0 ? `Secret ${pending.join(', ')} is not read yet` : undefined;
}

/**
 * Returns the keys of a Secret, or why they cannot be used. The text names no other key of the Secret,
 * because a reader of the status need not be allowed to read Secrets. Optional keys may be missing, because
 * Redis' default user has no name.
 */
function read(
  secretOf: SecretOf,
  name: string,
  keys: readonly string[],
  optional: readonly string[] = [],
): Readonly<Record<string, string>> | string {
  const secret = secretOf(name) ?? { error: 'not read yet' };
  if ('error' in secret) return `Secret ${name}: ${secret.error}`;
  const missing = keys.find((key) => !optional.includes(key) && lookUp(secret.data, key) === undefined);
  if (missing !== undefined) return `Secret ${name} has no key ${missing}`;
  const large = keys.find((key) => (lookUp(secret.data, key)?.length ?? 0) > maxCharacters);
  return large === undefined ? secret.data : tooLarge(name, large, lookUp(secret.data, large)?.length ?? 0);
}

/**
 * Limit for one key; certificates of more than a hundred authorities fit. Probes keep it in memory, and TLS
 * parses it for each connection.
 */
const maxCharacters = 64 * 1024;

const tooLarge = (name: string, key: string, length: number): string =>
  `key ${key} of Secret ${name} has ${Math.ceil(length / 1024)} KiB; the limit is 64 KiB: keep only what the probes need`;
