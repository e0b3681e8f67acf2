import { join } from 'node:path';

/** Where a control plane lives. Each plane has its own address, so several can run side by side. */
export interface Place {
  readonly binary: string;
  readonly dir: string;
  readonly address: string;
  readonly dnsAddress: string;
}

export const ports = { api: 6443, etcd: 2379, peer: 2380, dnsReady: 8181, proxyHealth: 10256 } as const;
export const kubeDns = '10.96.0.10';
export const nodeName = 'n1';
export const nodeZone = 'zone-a';

/** Writes only: what "the operator wrote nothing" is read from. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'None', verbs: ['get', 'list', 'watch'] }, { level: 'Metadata' }],
};

/** All that one user does, reads too: what a role must grant is read from it. */
export const auditPolicyOf = (user: string) => ({
  ...auditPolicy,
  rules: [{ level: 'Metadata', users: [user] }, { level: 'None' }],
});

export const etcd = ({ binary, dir, address }: Place): string[] => [
  ...[binary, 'etcd', '-data-dir', join(dir, 'etcd')],
  ...['-client-url', `http://${address}:${ports.etcd}`, '-peer-url', `http://${address}:${ports.peer}`],
];

export const apiServer = ({ binary, dir, address }: Place, audit: boolean): string[] => [
  ...[binary, 'kube-apiserver', `--etcd-servers=http://${address}:${ports.etcd}`],
  ...[`--bind-address=${address}`, `--advertise-address=${address}`, `--secure-port=${ports.api}`],
  `--cert-dir=${join(dir, 'certs')}`,
  `--token-auth-file=${join(dir, 'tokens')}`,
  '--service-cluster-ip-range=10.96.0.0/16',
  `--service-account-key-file=${join(dir, 'sa.key')}`,
  `--service-account-signing-key-file=${join(dir, 'sa.key')}`,
  '--service-account-issuer=https://kubernetes.default.svc',
  ...['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount', '--allow-privileged=true'],
  ...(audit
    ? [`--audit-policy-file=${join(dir, 'audit-policy.json')}`, `--audit-log-path=${auditLog(dir)}`]
    : []),
];

export const auditLog = (dir: string): string => join(dir, 'audit.log');

export const controllerManager = ({ binary, dir }: Place, kubeconfig: string): string[] => [
  ...[
    binary,
    'kube-controller-manager',
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
  ],
  `--service-account-private-key-file=${join(dir, 'sa.key')}`,
  '--controllers=garbagecollector,namespace,serviceaccount,endpointslicemirroring,endpointslice,endpoint,validatingadmissionpolicy-status-controller',
  // The defaults (20 a second) make deleting a namespace slow.
  ...['--kube-api-qps=500', '--kube-api-burst=500'],
];

export const kubeProxy = ({ binary, address }: Place, kubeconfig: string): string[] => [
  ...[
    binary,
    'kube-proxy',
    `--kubeconfig=${kubeconfig}`,
    '--proxy-mode=nftables',
    `--hostname-override=${nodeName}`,
  ],
  ...['--cluster-cidr=10.244.0.0/16', `--healthz-bind-address=${address}:${ports.proxyHealth}`],
  // The machine's kernel settings are not ours to change.
  ...[
    '--conntrack-max-per-core=0',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-tcp-timeout-close-wait=0',
  ],
];

export const coredns = ({ binary, dir }: Place): string[] => [
  binary,
  'coredns',
  '-conf',
  join(dir, 'Corefile'),
];

/** Cluster names as in a cluster; names outside of it come from the file `hosts`, read again every 200 ms, and no other is there. */
export const corefile = ({ dir, dnsAddress }: Place, kubeconfig: string): string => `.:53 {
  bind ${dnsAddress}
  errors
  ready ${dnsAddress}:${ports.dnsReady}
  hosts ${join(dir, 'hosts')} {
    ttl 1
    reload 200ms
    fallthrough
  }
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${kubeconfig} controlplane
    ttl 1
  }
  file ${join(dir, 'root-zone')} .
}
`;

/** Without names: what CoreDNS would say "I failed" of, for lack of a server to ask, there is no such name. */
export const rootZone = `. 1 IN SOA ns.nowhere. root.nowhere. 1 60 60 600 1
. 1 IN NS ns.nowhere.
`;
