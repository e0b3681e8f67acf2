import type { Answer, Caller, Routes } from './http-server.ts';
import type { RecentText } from './recent-text.ts';

/**
 * Routes that the kubelet asks. /livez answers: that alone proves that the event loop turns, and an API server out of reach
 * is no reason to be restarted. /readyz names what is not there yet, such as a watch without its first list.
 *
 * @param notServed what is left out meanwhile: it is in the text, and no reason not to be ready
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

/** Returns the refusal of a caller; undefined: the caller is let in. */
export type Admission = (caller: Caller) => Promise<Answer | undefined>;

/** Route that Prometheus asks. A caller that is refused costs no text. */
export function metricsRoutes(metrics: RecentText, admission?: Admission): Routes {
  return {
    '/metrics': async (caller) => {
      const refusal = await admission?.(caller);
      return refusal ?? { status: 200, contentType: metrics.contentType, body: await metrics.bytes() };
    },
  };
}
