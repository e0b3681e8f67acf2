/** The names outside the cluster, for all cases. */
export const outside: Readonly<Record<string, readonly string[]>> = {
  'orders.cluster-abc.eu-west-1.rds.example.com': ['10.20.102.1'],
  'orders.abc.eu-central-1.rds.example.com': ['10.20.106.1'],
  'db.example.com': ['10.20.145.9'],
};
