import type { HttpAnswer, Caller, Routes } from './http-server.ts';
import type { CachedExposition } from './cached-exposition.ts';

/**
 * Routes for the probes of the kubelet. /livez always succeeds: an answer proves that the event loop turns, and an
 * unreachable API server is no reason for a restart. /readyz fails until nothing is missing, for example the first list of a
 * watch, and its text names what is.
 *
 * @param notServed parts that are not served. The text names them; the operator is ready all the same
 */
export function healthRoutes(
  missing: () => readonly string[],
  notServed: () => readonly string[] = () => [],
): Routes {
  return {
    '/livez': () => ({ status: 200, body: 'ok\n' }),
    '/readyz': () => {
      const names = missing();
      if (names.length > 0) return { status: 503, body: `waiting for ${names.join(', ')}\n` };
      const out = notServed();
      return { status: 200, body: out.length === 0 ? 'ok\n' : `ok, not served: ${out.join(', ')}\n` };
    },
  };
}

/** Returns the refusal of a caller, or undefined if the caller is let in. */
export type AdmitCaller = (caller: Caller) => Promise<HttpAnswer | undefined>;

/** Route for Prometheus. No text is created for a caller that is refused. */
export function metricsRoutes(metrics: CachedExposition, admission?: AdmitCaller): Routes {
  return {
    '/metrics': async (caller) => {
      const refusal = await admission?.(caller);
      return refusal ?? { status: 200, contentType: metrics.contentType, body: await metrics.bytes() };
    },
  };
}
