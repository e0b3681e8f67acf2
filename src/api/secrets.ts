import { z } from 'zod';

import { celOr, celString, matches, withRules, type Rule } from './rule.ts';

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
      'Secret in the namespace of the resource, with the keys username and password, as kubernetes.io/basic-auth has them; username may be missing for the default user of Redis. One line break at the end of each is taken off. Read again every 30 s.',
    ),
    allowClearText: z
      .boolean()
      .optional()
      .describe(
        'True sends the password even where the server, or who is in between, can read it: without TLS, or over TLS that verifies nothing (insecureSkipVerify; sslMode prefer and require of postgres). Default: false. Then such a probe asks what can be asked without logging in, and reports CredentialsWithheld. Methods that do not reveal the password (SCRAM, mysql_native_password) are used in any case.',
      ),
  })
  .describe(
    'Account with which the probes of postgres, mysql and redis log in; other handlers do not use it. Without it, and while the Secret cannot be read, a probe asks what can be asked without logging in.',
  );

const portAtEnd = /^[^:]*:[0-9]+$/;

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
      matches('^[ -~]+$', 'serverName must be printable ASCII, such as db.example.com'),
      {
        holds: (text) => !portAtEnd.test(text),
        cel: `!self.matches(${celString(portAtEnd.source)})`,
        message: 'serverName has a port: give the name in the certificate alone, such as db.example.com',
      },
    ])
      .optional()
      .describe(
        'Name that certificates must have: a DNS name, an address, or what else they contain, such as project:instance of Cloud SQL. A DNS name is sent as SNI. Default: the host of the target.',
      ),
    verify: z
      .enum(['full', 'ca'])
      .optional()
      .describe(
        'What is verified of a certificate. full: the authority and the name (default). ca: the authority alone, as verify-ca of libpq and VERIFY_CA of MySQL, for certificates whose name cannot match.',
      ),
    insecureSkipVerify: z
      .boolean()
      .default(false)
      .describe(
        'True takes any certificate: the probe then shows that something answers, not that it is the right server.',
      ),
  })
  .describe(
    'TLS of the probes: of tls and of httpGet with scheme HTTPS, and where it is given of mysql, redis, mongodb and grpc, which speak none without it; of postgres as far as sslMode has it, which alone decides what is verified there.',
  );

const verifiesOrNot: Rule<z.output<typeof tlsShape>> = {
  holds: ({ insecureSkipVerify, caSecret }) => !insecureSkipVerify || caSecret === undefined,
  cel: `!${celOr('self', 'insecureSkipVerify', false)} || !has(self.caSecret)`,
  message:
    'insecureSkipVerify takes any certificate, so caSecret has no effect: remove insecureSkipVerify to verify, or caSecret',
  field: 'insecureSkipVerify',
};

const needsAuthority: Rule<z.output<typeof tlsShape>> = {
  holds: ({ verify, caSecret }) => verify !== 'ca' || caSecret !== undefined,
  cel: "!has(self.verify) || self.verify != 'ca' || has(self.caSecret)",
  message:
    'verify: ca takes any name that an authority signed, so it needs an authority of your own: give caSecret',
  field: 'verify',
};

export const tlsSchema = withRules(tlsShape, [verifiesOrNot, needsAuthority]);
