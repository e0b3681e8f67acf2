import { z } from 'zod';
import { misplacedPort, wholePart } from './part.ts';

/** Fields of a handler of a container's probe that have another place here. */
export const misplacedInHandler = (name: string) => ({
  port: misplacedPort(
    `port is no field of ${name}: write probe.port, next to ${name}; ports[].probe has none, because it probes its own port`,
  ),
});

/** A handler of a probe: what is asked, and how. */
export const handler = <S extends z.core.$ZodLooseShape>(name: string, fields: S) =>
  wholePart(z.object({ ...misplacedInHandler(name), ...fields }));
