import type { Command } from './command.ts';
import { maintainFlags, statusFlags, undrainFlags } from './flags.ts';

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
    name: 'drain',
    args: 'NAME [HOST]',
    count: [1, 2],
    summary: 'Takes a host, or all, out of the Services for a time, except the last ready one.',
    flags: maintainFlags,
    examples: ['drain orders-db 10.20.0.11 --for=2h', 'drain orders-db 10.20.0.11 --for=2h --dry-run'],
    run: async (invocation) => (await import('./maintain.ts')).runMaintain('Drain', invocation),
  },
  {
    name: 'undrain',
    args: 'NAME [HOST]',
    count: [1, 2],
    summary: 'Ends the drain of a host, or all drains.',
    flags: undrainFlags,
    examples: ['undrain orders-db 10.20.0.11'],
    run: async (invocation) => (await import('./maintain.ts')).runUndrain(invocation),
  },
  {
    name: 'freeze',
    args: 'NAME [HOST]',
    count: [1, 2],
    summary: 'Keeps what is published of a host, or of all, whatever the probes report, for a time.',
    flags: maintainFlags,
    examples: ['freeze orders-db --for=30m'],
    run: async (invocation) => (await import('./maintain.ts')).runMaintain('Freeze', invocation),
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
