import { probeKinds, type ProbeKind, type ProbeKindTraits } from '../../api/probe-kinds.ts';

/** Kinds of handlers: the probe kinds that probe, and `unready`. */
export type HandlerKind = Exclude<ProbeKind, 'disabled'> | 'unready';

/**
 * Facts of each kind of handler. `unready` takes the place of another handler whose Secret is missing, so it
 * counts as one that uses the host and may report a role.
 */
export const handlerTraits: Readonly<Record<HandlerKind, ProbeKindTraits>> = {
  ...probeKinds,
  unready: { opensTcp: true, usesHost: true, tls: 'never', logsIn: false, reportsRole: 'always' },
};

export const handlerKinds: readonly HandlerKind[] = Object.keys(handlerTraits).filter(
  (kind): kind is HandlerKind => kind !== 'disabled',
);
