import type { Target } from '../api/external-backend.ts';

/** Role of a server. */
export type Role = NonNullable<Target['role']>;

/** All roles. */
export const roles = ['Primary', 'Replica'] as const satisfies readonly Role[];
