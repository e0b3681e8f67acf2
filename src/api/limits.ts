/**
 * Maximum number of endpoints of a backend in all its Services: addresses x Services x port groups. The cost
 * of each reconcile and the size of the status grow with it, even if nothing must be written: see
 * bench/limits.ts.
 */
export const maxEndpoints = 8000;

/** Maximum number of Services of a backend. */
export const maxServices = 16;

/**
 * Maximum timeout of a probe, in seconds. A probe of an address that does not answer uses its slot for this
 * time.
 */
export const maxTimeoutSeconds = 60;

/**
 * Limits of the headers of an httpGet in new resources. The schema still accepts 32 headers of 4,096
 * characters.
 */
export const maxHeaders = 16;
export const maxHeaderCharacters = 8192;
