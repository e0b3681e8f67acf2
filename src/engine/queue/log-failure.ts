import type { OperatorError } from '../../core/errors.ts';
import type { Logger } from '../../util/log.ts';

/**
 * Logs the error of a run. Conflicts of optimistic writes, waiting and the end of a namespace are normal, so
 * they are logged only at debug level.
 *
 * @param backend key of the backend
 */
export function logFailure(
  logger: Logger,
  backend: string,
  error: OperatorError,
  retryInMs: number | undefined,
): void {
  const fields = { backend, reason: error.reason, retryInMs, error };
  const usual = error.kind === 'waiting' || error.status === 409 || error.reason === 'NamespaceTerminating';
  if (usual) logger.debug('reconcile requeued', fields);
  else logger.warn('reconcile failed', fields);
}
