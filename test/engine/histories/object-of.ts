import type { Action } from '../../../src/core/kubernetes/action.ts';
import type { Kind } from './api-server.ts';

/** Returns kind, namespace, name and uid of the object of an action; no kind: several objects. */
export function objectOf(action: Action): readonly [Kind | undefined, string, string, (string | undefined)?] {
  switch (action.op) {
    case 'absent':
      return ['Service', action.namespace, action.name];
    case 'creatable':
    case 'applyService':
      return ['Service', action.service.metadata.namespace, action.service.metadata.name];
    case 'create':
    case 'update': {
      const { namespace, name, uid } = action.object.metadata;
      return [action.object.kind, namespace, name, uid];
    }
    case 'sweep':
    case 'dryRun':
      return [undefined, '', ''];
    default:
      return [action.ref.kind, action.ref.namespace, action.ref.name, action.ref.uid];
  }
}
