import { postgresProtocol } from '../../../src/probe/postgres/postgres.ts';
import type { PostgresHandler } from '../../../src/core/probing/check.ts';
import type { Step } from '../../../src/probe/connection/protocol.ts';

export const handler = (more: Partial<PostgresHandler> = {}): PostgresHandler => ({
  kind: 'postgres',
  sslMode: 'disable',
  saturatedIs: 'inconclusive',
  ...more,
});

export const bytes = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));

export function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

export const scram = message('R', bytes([0, 0, 0, 10], 'SCRAM-SHA-256\0\0'));
export const isIn = message('R', bytes([0, 0, 0, 0]));
export const parameter = (name: string, value: string) => message('S', bytes(`${name}\0${value}\0`));

export function error(sqlstate: string, text: string, detail = ''): Buffer {
  const fields = `SFATAL\0VFATAL\0C${sqlstate}\0M${text}\0${detail && `D${detail}\0`}Fpostmaster.c\0\0`;
  return message('E', bytes(fields));
}

export const more: Step = { kind: 'more' };

/** What the machine says in the end, fed with these pieces; undefined where it still waits. */
export function decide(pieces: readonly Uint8Array[], options: Partial<PostgresHandler> = {}) {
  const machine = postgresProtocol(handler(options));
  let waiting = Buffer.alloc(0);
  let step = machine.next(waiting);
  for (const piece of [Buffer.alloc(0), ...pieces]) {
    waiting = Buffer.concat([waiting, piece]);
    for (;;) {
      if (step.kind === 'done' || step.kind === 'secure') return step;
      if (step.kind === 'send') waiting = waiting.subarray(step.consumed);
      else if (waiting.length > machine.maxBytes) return 'too much';
      const next = machine.next(waiting.subarray(0, machine.maxBytes));
      const isIdle = next.kind === 'more';
      step = next;
      if (isIdle) break;
    }
  }
  return undefined;
}

export const verdictOf = (answer: Buffer, options: Partial<PostgresHandler> = {}) => {
  const step = decide([answer], options);
  return typeof step === 'object' && step.kind === 'done' ? step.verdict : step;
};
