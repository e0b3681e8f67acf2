/** A command line that cannot be understood. The message ends with what to write. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A command that cannot be done, with a next step for the user. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
