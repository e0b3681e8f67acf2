import { parseIp } from '../api/ip.ts';
import type { Resolution, Resolver } from '../engine/ports.ts';

/** Literal addresses answer themselves; host names are not resolved yet. */
export class StaticResolver implements Resolver {
  resolve(host: string): Resolution {
    const ip = parseIp(host);
    if (ip !== undefined) return { addresses: [ip.text] };
    return { addresses: [], error: `${host} is not an IP address; host names need mode: ExternalName` };
  }
}
