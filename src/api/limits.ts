/**
 * Endpoints of a backend over all its Services: addresses x Services x port groups. The cost of each reconcile and the
 * size of the status grow with it, whatever there is to write: see bench/limits.ts.
 */
export const mostEndpoints = 8000;

/** Services of a backend. */
export const mostServices = 16;
