import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * What an application sees: connects and returns the first line that the other side says, which targets of
 * test/controlplane/targets.ts make their address. Fails with the socket's error, or "silence" after `deadlineMs`.
 * @param from the address of the client, where it matters
 */
export async function connectTo(
  { address, port, from }: { readonly address: string; readonly port: number; readonly from?: string },
  deadlineMs = 2000,
): Promise<string> {
  const socket = connect({ host: address, port, ...(from !== undefined && { localAddress: from }) });
  const silence = AbortSignal.timeout(deadlineMs);
  try {
    const [data] = (await once(socket, 'data', { signal: silence })) as [Buffer];
    return data.toString().trim();
  } catch (error) {
    if (silence.aborted)
      throw new Error(`silence of ${address}:${port} for ${deadlineMs} ms`, { cause: error });
    throw error;
  } finally {
    socket.destroy();
  }
}

/** A connection that stays open, to a server that says its name and then sends back what it gets (`echo`). */
export interface Session {
  /** What the server said first. */
  readonly server: string;
  /** Says a line and gives what comes back; fails when the connection was cut. */
  readonly say: (line: string) => Promise<string>;
  readonly close: () => void;
}

export async function openSession({
  address,
  port,
}: {
  readonly address: string;
  readonly port: number;
}): Promise<Session> {
  const socket = connect({ host: address, port });
  const heard = async (): Promise<string> => {
    const [data] = (await once(socket, 'data', { signal: AbortSignal.timeout(2000) })) as [Buffer];
    return data.toString().trim();
  };
  const say = (line: string): Promise<string> => {
    const answer = heard();
    socket.write(`${line}\n`);
    return answer;
  };
  return { server: await heard(), say, close: () => void socket.destroy() };
}
