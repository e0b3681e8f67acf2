import { verdict } from '../../../src/probe/verdict/verdicts.ts';
import type { Socket } from 'node:net';
import type { Protocol, Step } from '../../../src/probe/connection/protocol.ts';

export const fine = verdict('up', 'Responded', 'fine');
export const more: Step = { kind: 'more' };

/** Says `hello`, waits for a line, says `bye`. With `secure`, asks for TLS when the first line came and begins again. */
export function greet(
  options: { secure?: boolean; maxBytes?: number; ended?: Protocol['onClose'] } = {},
): Protocol {
  let said = false;
  let isSecure = options.secure !== true;
  return {
    maxBytes: options.maxBytes ?? 100,
    ...(options.ended === undefined ? {} : { onClose: options.ended }),
    next: (received) => {
      if (!said) {
        said = true;
        return { kind: 'send', bytes: Buffer.from('hello\n'), consumed: 0 };
      }
      const end = received.indexOf('\n');
      if (end < 0) return more;
      if (isSecure) return { kind: 'done', verdict: fine, finalBytes: Buffer.from('bye\n') };
      isSecure = true;
      said = false;
      return { kind: 'secure', consumed: end + 1 };
    },
  };
}

/** Runs `answer` when the prober said so much; collects all it says. */
export function replying(answer: (socket: Socket) => void, heard: string[] = []) {
  return (socket: Socket) => {
    let first = true;
    socket.on('data', (data: Buffer) => {
      heard.push(data.toString());
      if (first) answer(socket);
      first = false;
    });
  };
}
