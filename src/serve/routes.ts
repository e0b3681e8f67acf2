import type { Routes } from './http-server.ts';

/**
 * What the kubelet asks. /livez says that the event loop turns, which answering proves; an API server out of reach is
 * no reason to be restarted. /readyz names what is not there yet, such as a watch without its first list.
 */
export function healthRoutes(missing: () => readonly string[]): Routes {
  return {
    '/livez': () => ({ status: 200, body: 'ok\n' }),
    '/readyz': () => {
      const names = missing();
      return names.length === 0
        ? { status: 200, body: 'ok\n' }
        : { status: 503, body: `waiting for ${names.join(', ')}\n` };
    },
  };
}

export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

export function metricsRoutes(metrics: Exposition): Routes {
  return {
    '/metrics': async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.text() }),
  };
}
