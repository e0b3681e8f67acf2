import type { History } from './history.ts';

/** Shortest forms of histories that once broke a rule, by what was wrong. */
export const found: Readonly<Record<string, History>> = {};
