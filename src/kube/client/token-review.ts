import type { KubeClient } from './client.ts';

interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

const deadlineMs = 3_000;

/**
 * Authenticates a token by a TokenReview, and checks by a SubjectAccessReview that its user may get a
 * non-resource path, like the filter for metrics of controller-runtime. It needs the right to create both. No
 * error contains the token.
 */
export async function reviewToken(
  client: Pick<KubeClient, 'request'>,
  token: string,
  path: string,
): Promise<'allowed' | 'unauthenticated' | 'forbidden'> {
  const { authenticated, user } = (await create(client, tokenReview(token))) as TokenReviewStatus;
  if (authenticated !== true || user?.username === undefined) return 'unauthenticated';
  const { allowed } = (await create(client, accessReview(user, path))) as { readonly allowed?: boolean };
  return allowed === true ? 'allowed' : 'forbidden';
}

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: object;
}

const tokenReview = (token: string): Review => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenReview',
  spec: { token },
});

const accessReview = (
  { username, ...rest }: NonNullable<TokenReviewStatus['user']>,
  path: string,
): Review => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SubjectAccessReview',
  spec: { user: username, ...rest, nonResourceAttributes: { path, verb: 'get' } },
});

/**
 * Creates a review and returns its status. There is one attempt with a short deadline, because the client of
 * /metrics waits.
 */
async function create(client: Pick<KubeClient, 'request'>, review: Review): Promise<object> {
  const resource = `${review.kind.toLowerCase()}s`;
  const answer = await client.request({
    verb: 'create',
    resource,
    path: `/apis/${review.apiVersion}/${resource}`,
    body: review,
    attempts: 1,
    deadlineMs,
  });
  return (answer as { readonly status?: object }).status ?? {};
}
