import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { keepForTeardown } from './global-teardown.ts';
import { startPlane } from './plane.ts';

/** Jest: one control plane with all parts for the whole run. */
// eslint-disable-next-line no-restricted-exports -- Jest asks for a default export
export default async function globalSetup(): Promise<void> {
  const startedMs = performance.now();
  const plane = await startPlane({ dataPath: true });
  keepForTeardown(plane);
  const file = join(plane.details.dir, 'details.json');
  writeFileSync(file, JSON.stringify(plane.details));
  process.env['CONTROLPLANE_DETAILS'] = file;
  console.log(`control plane: started in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}
