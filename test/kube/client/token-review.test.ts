import { expect, it } from '@jest/globals';
import type { ApiRequest } from '../../../src/kube/client/client.ts';
import { reviewToken } from '../../../src/kube/client/token-review.ts';

const user = {
  username: 'system:serviceaccount:monitoring:prometheus',
  uid: '1',
  groups: ['system:serviceaccounts'],
  extra: { 'authentication.kubernetes.io/pod-name': ['prometheus-0'] },
};

/** An API server that answers reviews with these statuses. */
function server(token: object, access: object = {}) {
  const bodies: unknown[] = [];
  const request = (ask: ApiRequest): Promise<unknown> => {
    bodies.push(ask.body);
    return Promise.resolve({ status: ask.resource === 'tokenreviews' ? token : access });
  };
  return { bodies, request };
}

it.each<[string, object, object, string]>([
  ['a user with the right', { authenticated: true, user }, { allowed: true }, 'allowed'],
  ['a user without the right', { authenticated: true, user }, { allowed: false }, 'forbidden'],
  ['a user with no verdict', { authenticated: true, user }, {}, 'forbidden'],
  ['an unknown token', { error: 'invalid bearer token' }, { allowed: true }, 'unauthenticated'],
  ['a user without a name', { authenticated: true, user: {} }, { allowed: true }, 'unauthenticated'],
])('a review of a token finds %s', async (_, token, access, found) => {
  expect(await reviewToken(server(token, access), 'secret', '/metrics')).toBe(found);
});

it('a review of access has all attributes of the user, and not the token', async () => {
  const api = server({ authenticated: true, user }, { allowed: true });
  await reviewToken(api, 'secret', '/metrics');
  expect(api.bodies).toEqual([
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'secret' } },
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        ...{ user: user.username, uid: '1', groups: user.groups, extra: user.extra },
        nonResourceAttributes: { path: '/metrics', verb: 'get' },
      },
    },
  ]);
});
