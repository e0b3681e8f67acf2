import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `admin` may do everything, `operator` is the operator's service account, the others have no rights until bound. */
export const users = {
  admin: { user: 'admin', groups: ['system:masters'] },
  operator: {
    user: 'system:serviceaccount:external-backend-operator:external-backend-operator',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:external-backend-operator'],
  },
  alice: { user: 'alice', groups: ['developers'] },
  bob: { user: 'bob', groups: [] },
} as const;

export type UserName = keyof typeof users;
export const userNames = Object.keys(users) as readonly UserName[];

export function randomTokens(): Record<UserName, string> {
  const token = () => randomBytes(24).toString('hex');
  return { admin: token(), operator: token(), alice: token(), bob: token() };
}

/** The API server's --token-auth-file: token,user,uid,"group,group". */
export function writeTokenFile(file: string, tokens: Readonly<Record<UserName, string>>): void {
  const rows = userNames.map(
    (name) => `${tokens[name]},${users[name].user},${name},"${users[name].groups.join(',')}"`,
  );
  writeFileSync(file, `${rows.join('\n')}\n`, { mode: 0o600 });
}

/** A kubeconfig for each user in `dir`, `<user>.kubeconfig`; JSON, which is YAML. */
export function writeKubeconfigs(
  dir: string,
  server: string,
  caFile: string,
  tokens: Readonly<Record<UserName, string>>,
): Record<UserName, string> {
  const write = (name: UserName): string => {
    const file = join(dir, `${name}.kubeconfig`);
    writeFileSync(file, JSON.stringify(kubeconfig(server, caFile, tokens[name]), undefined, 2), {
      mode: 0o600,
    });
    return file;
  };
  return { admin: write('admin'), operator: write('operator'), alice: write('alice'), bob: write('bob') };
}

function kubeconfig(server: string, caFile: string, token: string): object {
  const name = 'controlplane';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
}
