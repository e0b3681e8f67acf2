import process from 'node:process';

/**
 * Returns a loopback address that no other process of the tests uses. On 127.0.0.1 another process may take a port between
 * the search for a free one and its use.
 */
export const ownAddress = `127.17.${(process.pid >> 8) & 255}.${Math.max(1, process.pid & 255)}`;
