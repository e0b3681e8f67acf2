import type { Command } from './command.ts';
import { statusFlags } from './flags.ts';

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  {
    name: 'status',
    args: '[NAME]',
    count: [0, 1],
    summary: 'Backends, one a line; with a name: Services, addresses, since when, why, Events.',
    flags: statusFlags,
    examples: ['status', 'status -A -o wide', 'status orders-db -n shop', 'status -o json'],
    run: async (invocation) => (await import('./status.ts')).runStatus(invocation),
  },
  {
    name: 'completion',
    args: '',
    count: [0, 0],
    summary: 'Prints the script kubectl_complete-external_backend, by which kubectl completes words.',
    flags: {},
    examples: ['completion > ~/bin/kubectl_complete-external_backend'],
    run: async (invocation) => (await import('./completion.ts')).runCompletion(invocation),
  },
  {
    name: 'version',
    args: '',
    count: [0, 0],
    summary: 'Prints the version of the plugin.',
    flags: {},
    examples: [],
    run: async (invocation) => (await import('./print-version.ts')).runVersion(invocation),
  },
];
