/**
 * Runs histories: `SEED=1 HISTORIES=100 make simulate`. GUARD: name of a guard that is switched off.
 * Prints the shortest form of each history that breaks a rule, and ends with 1 if there is one.
 */
import process from 'node:process';
import type { Guard } from './guard.ts';
import { guards, type GuardName } from './guards.ts';
import { switchOff } from './switch-off.ts';

const seed = Number(process.env['SEED'] ?? 1);
const count = Number(process.env['HISTORIES'] ?? 1_000);
const name = process.env['GUARD'];
const guard: Guard | undefined = name === undefined ? undefined : guards[name as GuardName];
if (name !== undefined && guard === undefined) throw new Error(`guards: ${Object.keys(guards).join(', ')}`);
switchOff(guard?.modules ?? {});
const { runAll } = await import('./run-all.ts');
const isRight = await runAll({ seed, count, ports: guard?.ports ?? {}, breaks: guard?.breaks });
process.exitCode = isRight ? 0 : 1;
