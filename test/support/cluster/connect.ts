import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Connects like an application, and returns the first line of the server. The targets of test/controlplane/targets.ts
 * send their address. Fails with the socket's error, or "silence" after `deadlineMs`.
 * @param from address of the client, if it matters
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

/** A connection that stays open, to a server that sends its name and then echoes (`echo`). */
export interface Session {
  /** First line of the server. */
  readonly server: string;
  /** Sends a line and returns the reply. Fails if the connection was cut. */
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
