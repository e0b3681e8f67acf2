import type { Logger } from '../../util/log.ts';
import type { KubeClient } from './client.ts';

/**
 * Releases of Kubernetes on which the integration and e2e tests ran, oldest first: `make compat`, README.md.
 */
export const testedReleases = ['1.33.13', '1.36.3', '1.37.2'] as const;

interface Release {
  readonly major: number;
  readonly minor: number;
}

/**
 * Parses a version. Distributions append a suffix: `v1.33.4-gke.100`, `v1.36.1+k3s1`, `v1.34.2-eks-1a2b3c`.
 */
function parseRelease(gitVersion: unknown): Release | undefined {
  if (typeof gitVersion !== 'string') return undefined;
  const [, major, minor] = /^v?(\d{1,4})\.(\d{1,4})(?!\d)/.exec(gitVersion) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

const compare = (a: Release, b: Release): number => a.major - b.major || a.minor - b.minor;
const nameOf = ({ major, minor }: Release): string => `${major}.${minor}`;

/**
 * Returns a warning about the version of the API server; undefined: none.
 *
 * | minor version of the server          | warning                                       |
 * |--------------------------------------|-----------------------------------------------|
 * | older than the oldest tested one     | it is not supported                           |
 * | newer than the newest tested one     | it is not tested                              |
 * | between them                         | -                                             |
 * | unreadable                           | -                                             |
 *
 * @param gitVersion the field of `/version`
 */
export function versionWarning(
  gitVersion: unknown,
  tested: readonly string[] = testedReleases,
): string | undefined {
  const [oldest, newest] = [tested[0], tested.at(-1)].map(parseRelease);
  const server = parseRelease(gitVersion);
  if (server === undefined || oldest === undefined || newest === undefined) return undefined;
  if (compare(server, oldest) < 0)
    return `the API server is older than Kubernetes ${nameOf(oldest)}, the oldest version that this release supports; upgrade the cluster`;
  if (compare(server, newest) > 0)
    return `the API server is newer than Kubernetes ${nameOf(newest)}, the newest version that this release was tested with; check for a newer release of the operator`;
  return undefined;
}

interface VersionCheck {
  readonly client: Pick<KubeClient, 'request'>;
  readonly logger: Logger;
}

/**
 * Logs the version of the API server, and a warning if this release was not tested with it. Never rejects.
 */
export async function logServerVersion({ client, logger }: VersionCheck): Promise<void> {
  try {
    const answer = await client.request({ verb: 'get', resource: 'version', path: '/version' });
    const { gitVersion } = (answer ?? {}) as { readonly gitVersion?: unknown };
    const warning = versionWarning(gitVersion);
    if (warning === undefined) logger.info('connected to the API server', { version: gitVersion });
    else logger.warn(warning, { version: gitVersion });
  } catch (error) {
    logger.info('failed to read the version of the API server', { error });
  }
}
