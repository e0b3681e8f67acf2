/**
 * Endpoints of a backend over all its Services: addresses x Services x port groups. The cost of each reconcile and the
 * size of the status grow with it, whatever there is to write: see bench/limits.ts.
 */
export const mostEndpoints = 8000;

/** Services of a backend. */
export const mostServices = 16;

/** Timeout of a probe, in seconds: a probe of a silent address holds its slot for so long. */
export const mostTimeoutSeconds = 60;

/** Headers of an httpGet, as new resources may have them; the schema still understands 32 of 4,096 characters. */
export const mostHeaders = 16;
export const mostHeaderCharacters = 8192;
