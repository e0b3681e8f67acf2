import { isUnanswered, OperatorError } from '../core/errors.ts';
import { CommandError } from './usage-error.ts';

export interface ErrorPlace {
  readonly server: string;
  readonly namespace: string;
  /** Name of the object that was read; undefined: a list. */
  readonly name: string | undefined;
}

/**
 * Returns an error whose message ends with the next step.
 *
 * | answer                  | next step                                                    |
 * |-------------------------|--------------------------------------------------------------|
 * | none                    | is it the right context?                                     |
 * | 401                     | who am I?                                                    |
 * | 403                     | the role to ask for                                          |
 * | 404 of a name           | list the backends                                            |
 * | 404 of a list           | install the CRD                                              |
 */
export function explainedError(error: unknown, place: ErrorPlace): CommandError {
  const message = error instanceof Error ? error.message : String(error);
  const step = error instanceof OperatorError ? nextStep(error, place) : undefined;
  return new CommandError(step === undefined ? message : `${message}\n${step}`, { cause: error });
}

function nextStep(error: OperatorError, { server, namespace, name }: ErrorPlace): string | undefined {
  if (isUnanswered(error))
    return `The API server ${server} does not answer. Is it the right context? kubectl config current-context`;
  switch (error.status) {
    case 401:
      return 'The API server does not accept these credentials. See kubectl auth whoami';
    case 403:
      return `Ask an administrator: kubectl create rolebinding NAME -n ${namespace} --clusterrole=external-backend-viewer --user=USER. Without rights on all namespaces: use -n`;
    case 404:
      return name === undefined
        ? 'The API server does not have ExternalBackends: install the CRD of the operator first'
        : `List the backends of all namespaces: kubectl external-backend status -A`;
    case 409:
      return 'Another client changed the backend meanwhile, and nothing was written: run the command again';
    default:
      return undefined;
  }
}
