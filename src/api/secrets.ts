import { z } from 'zod';

import { celIsName, isName } from './host.ts';
import { celOr, matches, withRules, type Rule } from './rule.ts';

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
      'Secret in the namespace of the resource, with the keys username and password, as kubernetes.io/basic-auth has them; username may be missing for the default user of Redis. Read again every 30 s.',
    ),
  })
  .describe(
    'Account with which the probes of postgres, mysql and redis log in; other handlers do not use it. Without it, and while the Secret cannot be read, a probe asks what can be asked without logging in.',
  );

const tlsShape = z
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
    insecureSkipVerify: z
      .boolean()
      .default(false)
      .describe(
        'True takes any certificate: the probe then says that something answers, not that it is the right server.',
      ),
  })
  .describe(
    'TLS of the probes: of tls and of httpGet with scheme HTTPS, and where it is given of mysql, redis, mongodb and grpc, which speak none without it; of postgres as far as sslMode has it, which alone says what is verified there.',
  );

const verifiesOrNot: Rule<z.output<typeof tlsShape>> = {
  holds: ({ insecureSkipVerify, caSecret }) => !insecureSkipVerify || caSecret === undefined,
  cel: `!${celOr('self', 'insecureSkipVerify', false)} || !has(self.caSecret)`,
  message:
    'insecureSkipVerify takes any certificate, so caSecret has no effect: remove insecureSkipVerify to verify, or caSecret',
  field: 'insecureSkipVerify',
};

export const tlsSchema = withRules(tlsShape, [verifiesOrNot]);
