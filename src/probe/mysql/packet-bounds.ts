import type { Verdict } from '../../core/probing/verdict.ts';
import { refusalVerdict } from '../connection/login-verdicts.ts';
import { verdict } from '../verdict/verdicts.ts';
import { isCostlyKey, maxKeyBits } from './mysql-key.ts';

/** Maximum length of a packet. No query here has a longer row. */
const maxPacketBytes = 64 * 1024;
/** Maximum number of packets. A login and four queries have about 200, most of them names of columns. */
const maxPackets = 2_000;

const packetTooLong = verdict('down', 'WrongProtocol', 'the server sent a packet of more than 64 KiB');
const tooManyPackets = verdict(
  'down',
  'WrongProtocol',
  `the server sent more than ${String(maxPackets)} packets`,
);
/**
 * Maximum number of packets of a login: the greeting, three factors with a switch and two requests each, and
 * the end.
 */
const maxLoginPackets = 16;
const tooManyLoginPackets = verdict(
  'down',
  'WrongProtocol',
  `the server sent more than ${String(maxLoginPackets)} packets at the login`,
);
const keyTooLarge = refusalVerdict(
  { stage: 'mysql login', logsIn: true },
  'login',
  `the RSA key of the server is malformed or has more than ${String(maxKeyBits)} bits`,
);

/** Returns the verdict on a packet of this many bytes; undefined: it is not too long. */
export const excessOfLength = (bytes: number): Verdict | undefined =>
  bytes > maxPacketBytes ? packetTooLong : undefined;

/** Counts the packets of a session, and refuses those beyond its bounds. */
export class PacketBounds {
  #packets = 0;

  /** Counts a packet. Returns the verdict that ends the session; undefined: the packet is accepted. */
  add(payload: Buffer, isLoggedIn: boolean): Verdict | undefined {
    this.#packets += 1;
    if (this.#packets > maxPackets) return tooManyPackets;
    if (isLoggedIn) return undefined;
    if (this.#packets > maxLoginPackets) return tooManyLoginPackets;
    return isCostlyKey(payload) ? keyTooLarge : undefined;
  }
}
