import { endpoints, login, type BadSample, type GoodSample, type Fields } from './builders.ts';

const tls = (fields: Fields): Fields => endpoints({ probe: { tls: {} }, tls: fields });

export const badSecrets: readonly BadSample[] = [
  {
    name: 'credentials without a Secret',
    spec: endpoints({ credentials: {} }),
    field: 'spec.credentials.secretName',
    message: 'expected string, received undefined',
    server: 'Required value',
  },
  {
    name: 'credentials whose password may be sent in clear text by a word',
    spec: endpoints({ credentials: { secretName: 'login', allowClearText: 'yes' } }),
    field: 'spec.credentials.allowClearText',
    message: 'expected boolean',
    server: 'must be of type boolean',
  },
  {
    name: 'credentials whose password may be sent in clear text, of no Secret',
    spec: endpoints({ credentials: { allowClearText: true } }),
    field: 'spec.credentials.secretName',
    message: 'expected string, received undefined',
    server: 'Required value',
  },
  {
    name: 'credentials of a Secret with a slash in its name',
    spec: endpoints({ credentials: { secretName: 'shop/login' } }),
    field: 'spec.credentials.secretName',
    message: 'secretName must be the name of a Secret',
  },
  {
    name: 'credentials of a Secret with capitals in its name',
    spec: endpoints({ credentials: { secretName: 'Login' } }),
    field: 'spec.credentials.secretName',
    message: 'secretName must be the name of a Secret',
  },
  {
    name: 'credentials of a Secret whose name leads elsewhere',
    spec: endpoints({ credentials: { secretName: '..' } }),
    field: 'spec.credentials.secretName',
    message: 'secretName must be the name of a Secret',
  },
  {
    name: 'authorities of a Secret without a name',
    spec: tls({ caSecret: { key: 'ca.crt' } }),
    field: 'spec.tls.caSecret.name',
    message: 'expected string, received undefined',
    server: 'Required value',
  },
  {
    name: 'authorities of a key with a slash',
    spec: tls({ caSecret: { name: 'ca', key: 'a/b' } }),
    field: 'spec.tls.caSecret.key',
    message: 'key must be a key of a Secret',
  },
  {
    name: 'authorities and no verification',
    spec: tls({ caSecret: { name: 'ca' }, insecureSkipVerify: true }),
    field: 'spec.tls.insecureSkipVerify',
    message: 'insecureSkipVerify accepts any certificate, so caSecret has no effect',
  },
  {
    name: 'a certificate of a Secret with a space in its name',
    spec: tls({ certificateSecretName: 'my cert' }),
    field: 'spec.tls.certificateSecretName',
    message: 'certificateSecretName must be the name of a Secret',
  },
  {
    name: 'a server name with a port',
    spec: tls({ serverName: 'db.example.com:5432' }),
    field: 'spec.tls.serverName',
    message: 'serverName has a port',
  },
  {
    name: 'a server name with a line break',
    spec: tls({ serverName: 'db.example.com\n' }),
    field: 'spec.tls.serverName',
    message: 'serverName must be printable ASCII',
  },
  {
    name: 'any name of a public authority',
    spec: tls({ verify: 'ca' }),
    field: 'spec.tls.verify',
    message: 'verify: ca accepts any name in a certificate that the authority signed',
  },
];

export const goodSecrets: readonly GoodSample[] = [
  {
    name: 'credentials whose password may be sent in clear text',
    spec: endpoints({ credentials: { secretName: 'login', allowClearText: true }, probe: { redis: {} } }),
  },
  {
    name: 'credentials whose password may not be sent in clear text',
    spec: endpoints({ credentials: { secretName: 'login', allowClearText: false } }),
  },
  { name: 'credentials that no probe uses', spec: endpoints({ ...login, probe: { tcpSocket: {} } }) },
  {
    name: 'every field of tls',
    spec: tls({
      caSecret: { name: 'ca.example', key: 'root.pem' },
      certificateSecretName: 'client',
      serverName: 'DB.example.com.',
      verify: 'full',
      insecureSkipVerify: false,
    }),
  },
  { name: 'any name of an authority of its own', spec: tls({ caSecret: { name: 'ca' }, verify: 'ca' }) },
  { name: 'a server name that is an address', spec: tls({ serverName: '10.20.0.11' }) },
  { name: 'an instance of Cloud SQL', spec: tls({ serverName: 'my-project:my-instance' }) },
  { name: 'an instance of a project of a domain', spec: tls({ serverName: 'example.com:project:instance' }) },
  { name: 'a server name that is a URI', spec: tls({ serverName: 'spiffe://cluster.local/ns/db' }) },
  {
    name: 'no verification, with a certificate of its own',
    spec: tls({ certificateSecretName: 'client', insecureSkipVerify: true }),
  },
  { name: 'authorities under the usual key', spec: tls({ caSecret: { name: 'ca' } }) },
];
