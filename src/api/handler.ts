import { z } from 'zod';
import { misplacedPort, atomicObject } from './object-fields.ts';

/** Fields of a handler in the probe of a container that have another place here. */
export const misplacedInHandler = (name: string) => ({
  port: misplacedPort(
    `port is not a field of ${name}: write probe.port, next to ${name}; ports[].probe has none, because it probes its own port`,
  ),
});

/** Schema of one probe handler with its fields. */
export const handler = <S extends z.core.$ZodLooseShape>(name: string, fields: S) =>
  atomicObject(z.object({ ...misplacedInHandler(name), ...fields }));
