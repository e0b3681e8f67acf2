import { z } from 'zod';

import { inWords, kindsWhere } from './probe-kinds.ts';
import { celOr, celString, matches, withRules, type Rule } from './rule.ts';

// Credentials and certificates come from Secrets of the same namespace. Reading Secrets is opt-in: see
// config/components/secrets.

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
      'Secret in the namespace of the resource with the keys username and password, as in the type kubernetes.io/basic-auth. For the default user of Redis, username may be missing. One line break at the end of each value is removed. The Secret is read again every 30 s.',
    ),
    allowClearText: z
      .boolean()
      .optional()
      .describe(
        'True sends the password even if the server, or a machine in between, can read it: without TLS, or with TLS that verifies nothing (insecureSkipVerify; sslMode prefer and require of postgres). Default: false. Such a probe then checks what it can without a login, and reports CredentialsWithheld. Methods that do not reveal the password (SCRAM, mysql_native_password) are always used.',
      ),
  })
  .describe(
    `Account with which the probes ${inWords(
      kindsWhere(({ logsIn }) => logsIn),
      'and',
    )} log in. Other handlers do not use it. Without credentials, and while the Secret cannot be read, a probe checks what it can without a login.`,
  );

const portAtEnd = /^[^:]*:[0-9]+$/;

const tlsShape = z
  .object({
    caSecret: z
      .object({
        name: secretName('name').describe('Name of the Secret.'),
        key: key
          .default('ca.crt')
          .describe('Key of the Secret that contains the certificates in PEM format.'),
      })
      .optional()
      .describe(
        "Certificate authorities that are trusted. Default: those of the operator's image, which are the usual public ones.",
      ),
    certificateSecretName: secretName('certificateSecretName')
      .optional()
      .describe('Secret of type kubernetes.io/tls with the client certificate that probes present.'),
    serverName: withRules(z.string().max(253), [
      matches('^[ -~]+$', 'serverName must be printable ASCII, such as db.example.com'),
      {
        holds: (text) => !portAtEnd.test(text),
        cel: `!self.matches(${celString(portAtEnd.source)})`,
        message: 'serverName has a port: write only the name in the certificate, such as db.example.com',
      },
    ])
      .optional()
      .describe(
        'Name that the certificate must contain: a DNS name, an IP address, or another form such as project:instance of Cloud SQL. A DNS name is also sent as SNI. Default: the host of the target.',
      ),
    verify: z
      .enum(['full', 'ca'])
      .optional()
      .describe(
        'What is verified in a certificate. full (default): the authority and the name. ca: only the authority, as verify-ca of libpq and VERIFY_CA of MySQL, for certificates whose name cannot match.',
      ),
    insecureSkipVerify: z
      .boolean()
      .default(false)
      .describe(
        'True accepts any certificate. The probe then shows that a server answers, not that it is the right server.',
      ),
  })
  .describe(
    `TLS settings of probes. Always used by tls, and by httpGet with scheme HTTPS. ${inWords(
      kindsWhere(({ tls }) => tls === 'ifSet' || tls === 'afterGreeting'),
      'and',
    )} use TLS only if this is set. postgres uses these certificates, but sslMode alone decides whether TLS is used and what is verified.`,
  );

const verifiesOrNot: Rule<z.output<typeof tlsShape>> = {
  holds: ({ insecureSkipVerify, caSecret }) => !insecureSkipVerify || caSecret === undefined,
  cel: `!${celOr('self', 'insecureSkipVerify', false)} || !has(self.caSecret)`,
  message:
    'insecureSkipVerify accepts any certificate, so caSecret has no effect: remove insecureSkipVerify to verify certificates, or remove caSecret',
  field: 'insecureSkipVerify',
};

const needsAuthority: Rule<z.output<typeof tlsShape>> = {
  holds: ({ verify, caSecret }) => verify !== 'ca' || caSecret !== undefined,
  cel: "!has(self.verify) || self.verify != 'ca' || has(self.caSecret)",
  message:
    'verify: ca accepts any name in a certificate that the authority signed, so it needs your own authority: set caSecret',
  field: 'verify',
};

export const tlsSchema = withRules(tlsShape, [verifiesOrNot, needsAuthority]);
