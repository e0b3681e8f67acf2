/** Packets of a MySQL server, made by hand. */
export function packet(
  sequence: number,
  ...parts: readonly (string | readonly number[] | Uint8Array)[]
): Buffer {
  const payload = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  );
  return Buffer.concat([
    Buffer.of(payload.length & 0xff, (payload.length >> 8) & 0xff, payload.length >> 16, sequence),
    payload,
  ]);
}

/** Capabilities of MySQL 8 and MariaDB 10, with and without TLS. */
export const capabilities = { tls: 0x81bf_fffe, plain: 0x81bf_f7fe };

export interface GreetingOptions {
  readonly plugin?: string;
  readonly flags?: number;
}

export function greeting({
  plugin = 'mysql_native_password',
  flags = capabilities.plain,
}: GreetingOptions = {}): Buffer {
  const low = [flags & 0xff, (flags >>> 8) & 0xff];
  const high = [(flags >>> 16) & 0xff, flags >>> 24];
  const nonce = 'abcdefgh';
  return packet(
    0,
    [0x0a],
    '8.0.99-of-a-test\0',
    [0x2a, 0, 0, 0],
    `${nonce}\0`,
    [...low, 0x2d, 0x02, 0x00, ...high, 21],
    Buffer.alloc(10),
    'ijklmnopqrst\0',
    `${plugin}\0`,
  );
}

export const error = (sequence: number, code: number, text: string, state = '') =>
  packet(sequence, [0xff, code & 0xff, code >> 8], state === '' ? '' : `#${state}`, text);
export const ok = (sequence: number) => packet(sequence, [0, 0, 0, 2, 0, 0, 0]);
export const switchTo = (sequence: number, plugin: string, nonce = 'n'.repeat(20)) =>
  packet(sequence, [0xfe], `${plugin}\0`, `${nonce}\0`);
export const denied = (sequence: number) =>
  error(sequence, 1045, "Access denied for user 'x'@'10.0.0.9' (using password: YES)", '28000');
