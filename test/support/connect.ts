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
