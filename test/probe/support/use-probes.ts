import { afterAll } from '@jest/globals';
import { createProbes } from '../../../src/probe/probes.ts';

type Probes = ReturnType<typeof createProbes>;

/** Creates the probes of all kinds. They are closed after the tests of the file or of the block that calls this. */
export function useProbes(...options: Parameters<typeof createProbes>): Probes {
  const probes = createProbes(...options);
  afterAll(() => probes.close());
  return probes;
}
