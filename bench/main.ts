/** Runs the benchmarks of `make bench`, each with its baseline in the same run. `NAMES="probe flip"` runs only these. */
import { cpus, totalmem } from 'node:os';
import process from 'node:process';

import { blackHoles } from './black-holes.ts';
import { bringUp } from './bring-up.ts';
import { fast } from './fast.ts';
import { flip } from './flip.ts';
import { handlers } from './handlers.ts';
import { idle } from './idle.ts';
import { limitsBench } from './limits.ts';
import { namesBench } from './names.ts';
import { postgres } from './postgres.ts';
import { probe } from './probe.ts';
import { header, row } from './report.ts';
import type { Bench } from './report.ts';
import { scale } from './scale.ts';
import { storm } from './storm.ts';
import { workers } from './workers.ts';

const benches: readonly Bench[] = [
  probe,
  workers,
  handlers,
  postgres,
  flip,
  fast,
  storm,
  bringUp,
  blackHoles,
  namesBench,
  limitsBench,
  idle,
  scale,
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `no bench ${unknown.join(', ')}; there are ${benches.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}
const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? '?'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
process.stdout.write(`${machine}\n`);
for (const bench of benches) {
  if (wanted.length > 0 && !wanted.includes(bench.name)) continue;
  const started = performance.now();
  process.stdout.write(`\n## ${bench.name}: ${bench.title}\n\n`);
  const figures = await bench.run();
  process.stdout.write(`${header}\n${figures.map(row).join('\n')}\n`);
  process.stdout.write(`\n(${Math.round((performance.now() - started) / 1000)} s)\n`);
}
process.exit(0);
