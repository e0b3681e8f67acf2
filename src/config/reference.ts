import { options } from './options.ts';
import type { Option } from './options.ts';

const wrap = (text: string, width: number, indent: string): string => {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => indent + line).join('\n');
};

const helpEntry = (option: Option): string => {
  const usage = option.boolean ? `--${option.flag}, --no-${option.flag}` : `--${option.flag}=<${option.kind}>`;
  const fallback = option.fallback === '' ? '' : ` (default ${option.fallback})`;
  return `  ${usage}\n${wrap(option.description + fallback, 90, '      ')}\n      env ${option.env.join(', ')}`;
};

/** Returns the text that `--help` prints. */
export function helpText(): string {
  return [
    'Usage: external-backend-operator [flags]',
    '',
    'Publishes databases outside the cluster as Services, and removes addresses that fail their probes.',
    'A flag overrides its environment variables. An empty variable counts as not set.',
    '',
    ...options().map(helpEntry),
    '  --help\n      Print this text and exit.',
    '  --version\n      Print the version and exit.',
    '',
  ].join('\n');
}

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** Returns the content of docs/configuration.md. */
export function configurationMarkdown(): string {
  const rows = options().map((option) => {
    const cells = [
      code(`--${option.flag}`),
      option.env.map(code).join(', '),
      option.kind,
      code(option.fallback),
      option.description,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '<!-- Generated from src/config/schema.ts. Do not edit: run `make generate`. -->',
    '',
    '# Configuration',
    '',
    'Every setting is a flag and an environment variable. The flag overrides the variable. An empty variable counts as not set.',
    'Write flags as `--name=value` or `--name value`, and switches as `--name`, `--no-name` or `--name=false`.',
    'Separate the values of a list with commas. An unknown flag or an invalid value ends the process with exit code 2. The message contains the fix.',
    '',
    '| flag | environment | value | default | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'Exit codes: 0 stopped by SIGTERM or SIGINT, 1 fatal error, 2 invalid flags.',
    '',
  ].join('\n');
}
