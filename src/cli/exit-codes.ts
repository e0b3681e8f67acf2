/**
 * Exit codes of the plugin.
 *
 * | code | meaning                                                                             |
 * |------|-------------------------------------------------------------------------------------|
 * | 0    | good                                                                                |
 * | 1    | the command could not be done: no API server, no right, no such backend               |
 * | 2    | the command line is wrong                                                            |
 * | 3    | done, and something was found: a backend is not available, or no operator leads       |
 */
export const exitCodes = { good: 0, failed: 1, usage: 2, findings: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
