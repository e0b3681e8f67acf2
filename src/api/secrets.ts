import { z } from 'zod';

import { celIsName, isName } from './host.ts';
import { matches, withRules } from './rule.ts';

// Where credentials and certificates come from: Secrets of the same namespace. Reading them is opt-in, see config/components/secrets.

const secretName = (field: string) =>
  withRules(z.string().max(253), [
    matches(
      '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
      `${field} must be the name of a Secret: lower-case letters, digits, - and .`,
    ),
  ]);

const key = withRules(z.string().max(253), [
  matches('^[-._a-zA-Z0-9]+$', 'key must be a key of a Secret: letters, digits, -, _ and .'),
]);

export const credentialsSchema = z
  .object({
    secretName: secretName('secretName').describe(
      'Secret with the keys username and password, as kubernetes.io/basic-auth has them.',
    ),
  })
  .describe(
    'Account with which probes log in. Without it a probe asks what can be asked without logging in.',
  );

export const tlsSchema = z
  .object({
    caSecret: z
      .object({
        name: secretName('name').describe('Name of the Secret.'),
        key: key.default('ca.crt').describe('Its key with the certificates in PEM.'),
      })
      .optional()
      .describe(
        "Authorities whose certificates are taken. Default: those of the operator's image, which are the usual public ones.",
      ),
    certificateSecretName: secretName('certificateSecretName')
      .optional()
      .describe('Secret of type kubernetes.io/tls with the certificate that probes show.'),
    serverName: withRules(z.string().max(253), [
      {
        holds: isName,
        cel: celIsName('self'),
        message: 'serverName must be a DNS name alone, such as db.example.com',
      },
    ])
      .optional()
      .describe(
        'Name that certificates must have, and that is sent as SNI. Default: the host of the target.',
      ),
    insecureSkipVerify: z.boolean().default(false).describe('True takes any certificate.'),
  })
  .describe(
    'TLS of the probes: of tls, and where it is given of mysql, redis, mongodb and grpc; of postgres together with sslMode.',
  );
