import { lookUp } from '../../core/look-up.ts';

/**
 * Forms of the messages that pg may receive. pg trusts its server: it collects a message of any length, loops
 * forever over an error whose fields have no end (pg-protocol 1.16, parseErrorMessage), and throws from the
 * event loop at a message that is too short. So every message is checked first. Only messages of a login and
 * one row pass, complete and of the correct form.
 *
 *     R      code, then: 0 nothing; 3 nothing; 5 salt (4); 10 names, each ended by 0, and 0; 11, 12 text
 *     E, N   fields: letter, text, 0; and 0
 *     S      name, 0, value, 0
 *     K      process, secret
 *     Z      one letter
 *     T      count (2), for each column: name, 0, 18 bytes
 *     D      count (2), for each column: length (4, -1 for null), so many bytes
 *     C      text, 0
 */
type Form = (body: Buffer) => boolean;

const forms: Readonly<Record<string, Form>> = {
  R: isAuthentication,
  E: isFields,
  N: isFields,
  S: (body) => countOfTexts(body) === 2,
  K: (body) => body.length >= 8,
  Z: (body) => body.length === 1,
  T: isColumns,
  D: isRow,
  C: (body) => countOfTexts(body) === 1,
};

/** Maximum length of a message of a login and one row. */
const maxLength = 65_536;

/** Authentication request. */
export interface Authentication {
  /**
   * 0: logged in, 3: password in clear text, 5: md5 of the password, 10: SASL, 11: challenge of SCRAM, 12:
   * end of SCRAM.
   */
  readonly code: number;
  /** Iterations of a challenge of SCRAM, otherwise 0. */
  readonly iterations: number;
}

/** Returns the authentication requests among complete messages. */
export function authentications(messages: Buffer): readonly Authentication[] {
  const requests: Authentication[] = [];
  for (let at = 0; at < messages.length; at += 1 + messages.readUInt32BE(at + 1)) {
    if (messages[at] !== 0x52) continue;
    const code = messages.readUInt32BE(at + 5);
    const end = at + 1 + messages.readUInt32BE(at + 1);
    requests.push({
      code,
      iterations: code === 11 ? iterationsIn(messages.toString('latin1', at + 9, end)) : 0,
    });
  }
  return requests;
}

/**
 * Returns the largest number of iterations in `r=nonce,s=salt,i=iterations` (RFC 5802, section 7). pg uses
 * the last of several.
 */
const iterationsIn = (challenge: string): number =>
  Math.max(0, ...[...challenge.matchAll(/(?:^|,)i=(\d+)/g)].map(([, digits]) => Number(digits)));

/** Complete messages at the start of the received bytes. */
export interface CompleteMessages {
  /** Length of the messages in bytes. */
  readonly length: number;
  readonly messages: number;
}

/** Returns the complete messages. Undefined: a message is not allowed. */
export function completeMessages(received: Buffer): CompleteMessages | undefined {
  let at = 0;
  for (let messages = 0; ; messages += 1) {
    const whole = { length: at, messages };
    if (at === received.length) return whole;
    const form = lookUp(forms, String.fromCharCode(received.readUInt8(at)));
    if (form === undefined) return undefined;
    if (received.length < at + 5) return whole;
    const length = received.readUInt32BE(at + 1);
    if (length < 4 || length > maxLength) return undefined;
    const end = at + 1 + length;
    if (received.length < end) return whole;
    if (!form(received.subarray(at + 5, end))) return undefined;
    at = end;
  }
}

function isAuthentication(body: Buffer): boolean {
  if (body.length < 4) return false;
  switch (body.readUInt32BE(0)) {
    case 0:
    case 3:
      return body.length === 4;
    case 5:
      return body.length === 8;
    case 10:
      return body.length > 6 && body.at(-1) === 0 && body.at(-2) === 0;
    case 11:
    case 12:
      return true;
    default:
      return false;
  }
}

function isFields(body: Buffer): boolean {
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at);
    if (end < 0) return false;
    at = end + 1;
  }
  return at === body.length - 1;
}

/** Returns the number of texts that end with 0, or -1 when the last text has no end. */
function countOfTexts(body: Buffer): number {
  return body.at(-1) === 0 ? body.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0) : -1;
}

function isColumns(body: Buffer): boolean {
  if (body.length < 2) return false;
  let at = 2;
  for (let left = body.readUInt16BE(0); left > 0; left -= 1) {
    const end = body.indexOf(0, at);
    if (end < 0 || end + 19 > body.length) return false;
    at = end + 19;
  }
  return at === body.length;
}

function isRow(body: Buffer): boolean {
  if (body.length < 2) return false;
  let at = 2;
  for (let left = body.readUInt16BE(0); left > 0; left -= 1) {
    if (at + 4 > body.length) return false;
    const length = body.readInt32BE(at);
    if (length < -1) return false;
    at += 4 + Math.max(length, 0);
  }
  return at === body.length;
}
