import type { Command } from './command.ts';
import { commands } from './commands.ts';
import { globalFlags, type Flag } from './flags.ts';

/** Name of the plugin, as users call it. */
export const programName = 'kubectl external-backend';

const indented = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}   ${text}`.trimEnd()).join('\n');
};

/** Returns the help of the plugin. */
export const pluginHelp =
  (): string => `Reports what the External Backend Operator does, and begins and ends maintenance.

Usage:
  ${programName} COMMAND [flags]

Commands:
${indented(commands.map(({ name, args, summary }) => [`${name} ${args}`.trim(), summary]))}

Global flags, after the command:
${flagRows(globalFlags)}

Exit codes: 0 good, 1 could not be done, 2 wrong command line, 3 a backend is not available or no operator leads.
`;

/** Returns the help of a command. */
export function commandHelp({ name, args, summary, flags, examples }: Command): string {
  const parts = [
    summary,
    `Usage:\n  ${`${programName} ${name} ${args}`.trim()} [flags]`,
    ...(examples.length === 0
      ? []
      : [`Examples:\n${examples.map((example) => `  ${programName} ${example}`).join('\n')}`]),
    ...(Object.keys(flags).length === 0 ? [] : [`Flags:\n${flagRows(flags)}`]),
    `Global flags:\n${flagRows(globalFlags)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

const flagRows = (flags: Readonly<Record<string, Flag>>): string =>
  indented(
    Object.entries(flags).map(([name, { short, value, choices, description }]) => [
      `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${choices?.join('|') ?? value}`}`,
      description,
    ]),
  );
