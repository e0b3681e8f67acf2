import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { probeKinds } from '../src/api/probe-kinds.ts';
import type { ProbeKindTraits } from '../src/api/probe-kinds.ts';
import { resolutionStates } from '../src/core/resolution/resolution-states.ts';
import { errorReasons } from '../src/core/errors.ts';
import { problemReasons } from '../src/core/publish/problems.ts';
import { otherEventReasons } from '../src/core/events/event-reasons.ts';
import { exclusionReasons, unprobedReasons } from '../src/core/probing/address-reasons.ts';
import { reasons, verdictReasons } from '../src/core/probing/reasons.ts';
import { availableReasons, degradedReasons, readyReasons } from '../src/core/status/condition-reasons.ts';
import { verdict } from '../src/probe/verdict/verdicts.ts';
import { metricsTable } from '../src/serve/metrics-table.ts';
import { withProgress } from '../src/probe/connection/progress.ts';
import type { Progress } from '../src/probe/connection/progress.ts';
import { tcpCheck } from './probe/support/checks.ts';
import { anchorsOf, linksOf, sectionOf, tableBelow } from './support/text/markdown.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const skipped = new Set(['node_modules', '.git', '.node', 'dist', 'coverage']);

/** Paths of all Markdown pages of the repository, relative to its root. */
function pages(folder = root): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : pages(path);
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Reason why a link does not resolve, or nothing when it does. Links to other hosts are not followed. */
function fault(page: string, target: string): string | undefined {
  if (/^(https?|mailto):/.test(target)) return undefined;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(root, page) : resolve(root, dirname(page), decodeURI(path));
  if (!existsSync(file)) return 'no such file';
  if (anchor === undefined || statSync(file).isDirectory() || !file.endsWith('.md')) return undefined;
  return anchorsOf(readFileSync(file, 'utf8')).has(anchor) ? undefined : 'no such heading';
}

describe('the Markdown pages', () => {
  it.each(pages())('%s has no link to a file or heading that does not exist', (page) => {
    const broken = linksOf(read(page)).flatMap(({ target, line }) => {
      const reason = fault(page, target);
      return reason === undefined ? [] : [`${page}:${String(line)} ${target}: ${reason}`];
    });
    expect(broken).toEqual([]);
  });

  it('are all found, those in sub-folders included', () => {
    expect(pages()).toEqual(
      expect.arrayContaining(['README.md', 'docs/api.md', 'docs/adr/0001-runtime-dependencies.md']),
    );
  });
});

describe('the names in the pages', () => {
  const docs = [
    'operations',
    'reasons',
    'dns',
    'probes',
    'roles',
    'limits',
    'security',
    'troubleshooting',
  ].map((name) => `docs/${name}.md`);
  const used = (name: RegExp): readonly string[] => [
    ...new Set(docs.flatMap((page) => [...read(page).matchAll(name)].map(([, found = '']) => found))),
  ];

  it('of metrics are names of metrics that exist', () => {
    // The user of database probes, which has the same prefix.
    const known = ['external_backend_probe', ...Object.keys(metricsTable)];
    const names = used(/\b(external_backend_\w+)/g).map((name) => name.replace(/_bucket$/, ''));
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('of flags are flags of the operator', () => {
    const own = [...read('docs/configuration.md').matchAll(/^\| `(--[a-z-]+)`/gm)].map(
      ([, flag = '']) => flag,
    );
    const known = [...own, ...own.map((flag) => flag.replace('--', '--no-'))];
    const flags = used(/`(--[a-z][a-z-]+)/g);
    expect(flags.length).toBeGreaterThan(20);
    expect(flags.filter((flag) => !known.includes(flag))).toEqual([]);
  });
});

describe('the check of links', () => {
  it.each([
    ['a file that does not exist', 'nowhere.md', 'no such file'],
    ['a heading that does not exist', 'README.md#nowhere', 'no such heading'],
    ['a heading of the same page that does not exist', '#nowhere', 'no such heading'],
  ])('reports %s', (_, target, reason) => {
    expect(fault('README.md', target)).toBe(reason);
  });

  it('makes anchors from headings as GitHub does, and ignores headings and links in code', () => {
    const page =
      '# The `a_b` of [C](c.md), and D!\n## Twice\n## Twice\n```sh\n# no heading\n```\n    [no link](x.md)\n';
    expect([...anchorsOf(page)]).toEqual(['the-a_b-of-c-and-d', 'twice', 'twice-1']);
    expect(linksOf(page)).toEqual([{ target: 'c.md', line: 1 }]);
  });
});

/** Names in code spans in one cell of each row. */
const namesIn = (rows: readonly (readonly string[])[], column: number): readonly string[] =>
  rows.flatMap((row) => [...(row[column] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name));

describe('the tables of probe kinds in the pages', () => {
  const kinds = Object.entries<ProbeKindTraits>(probeKinds);
  const selectable = kinds.filter(([, { port }]) => port !== undefined);
  const probes = read('docs/probes.md');

  it('have in docs/probes.md each port number and appProtocol that selects a handler', () => {
    const rows = tableBelow(probes, '## Choice of the handler').map(
      ([name = '', protocols = '', port = '']) => [
        ...[name.replaceAll('`', ''), namesIn([[protocols]], 0), port],
      ],
    );
    expect(rows).toEqual([
      ...selectable.map(([kind, { port, appProtocols }]) => [kind, appProtocols, String(port)]),
      ['tcpSocket', [], 'any other'],
    ]);
  });

  it('have in docs/roles.md each probe that reports a role, and whether it needs a login', () => {
    const rows = tableBelow(read('docs/roles.md'), '## Which probes report the role').slice(0, -1);
    expect(
      rows.map(([name, without]) => [name, without === 'not reported' ? 'withLogin' : 'always']),
    ).toEqual(
      kinds
        .filter(([, { reportsRole }]) => reportsRole !== 'never')
        .map(([kind, { reportsRole }]) => [`\`${kind}\``, reportsRole]),
    );
  });

  it('name in README.md the port numbers that select a handler', () => {
    const ports = selectable.map(([, { port }]) => port).join(', ');
    expect(read('README.md')).toContain(`known for a database (${ports}, or by \`appProtocol\`)`);
  });

  it('link in docs/probes.md to a section for each kind that sends bytes', () => {
    const without = ['tcpSocket', 'disabled'];
    const links = linksOf(probes).map(({ target }) => target);
    expect(
      kinds
        .map(([kind]) => kind)
        .filter((kind) => !without.includes(kind) && !links.includes(`#${kind.toLowerCase()}`)),
    ).toEqual([]);
  });
});

describe('docs/reasons.md', () => {
  const page = read('docs/reasons.md');

  it.each<readonly [string, string, number, readonly string[]]>([
    ['Ready', '## Ready', 1, ['NotSeenYet', ...readyReasons, ...Object.keys(problemReasons)]],
    ['Available', '## Available', 1, availableReasons],
    ['Degraded', '## Degraded', 1, degradedReasons],
    ['an address', '## Reasons of an address', 0, [...reasons, ...unprobedReasons]],
    ['an exclusion', '## Reasons of an exclusion', 0, exclusionReasons],
    ['a resolution', '## Resolution states', 0, resolutionStates],
  ])('has a row for each reason of %s, and for no other', (_, heading, column, all) => {
    expect(namesIn(tableBelow(page, heading), column).toSorted()).toEqual([...new Set(all)].toSorted());
  });

  it('has the reasons of Degraded in the order in which the first one is reported', () => {
    expect(namesIn(tableBelow(page, '## Degraded'), 1)).toEqual(degradedReasons);
  });

  it('lists the reasons of warnings that are an Event', () => {
    const row = tableBelow(page, '## Events').filter(([names = '']) => names.includes('`AuthFailed`'));
    const warnings = reasons.filter((reason) => verdictReasons[reason].warning?.text !== undefined);
    expect(namesIn(row, 0).toSorted()).toEqual(warnings.toSorted());
  });

  it('lists all other reasons of Events, and no reason that no Event has', () => {
    const rows = tableBelow(page, '## Events').filter(([names = '']) => !names.includes('`AuthFailed`'));
    expect(namesIn(rows, 0).toSorted()).toEqual(otherEventReasons.toSorted());
  });

  it('lists the reasons of errors, and for which of them the backend is Stalled', () => {
    const documented = tableBelow(page, '### Reasons of the API server').flatMap((row) =>
      namesIn([row], 1).map((name) => [name, row[2] === 'True' ? 'stalls' : 'passes']),
    );
    const inCode = Object.values(errorReasons).flatMap((origin) => Object.entries<string>(origin));
    expect(documented.toSorted()).toEqual(inCode.toSorted());
  });

  const texts = [...sectionOf(page, '## How far a probe got').matchAll(/`([^`]+)`/g)].map(
    ([, text = '']) => text,
  );
  const isText = (text: string, message: string): boolean => {
    const [begin = '', end] = text.split('…');
    return end === undefined ? message === text : message.startsWith(begin) && message.endsWith(end);
  };

  it.each(progressMessages())('has a row for the message: %s', (message) => {
    expect(texts.filter((text) => isText(text, message))).not.toEqual([]);
  });
});

describe('docs/api.md', () => {
  it('describes each resolution state, in the text that `kubectl explain` shows too', () => {
    const [row = ''] = sectionOf(read('docs/api.md'), '## status.targets[].resolution')
      .split('\n')
      .filter((line) => line.startsWith('| `state`'));
    expect(resolutionStates.filter((state) => !new RegExp(`\\b${state}\\b`).test(row))).toEqual([]);
  });
});

describe('docs/troubleshooting.md', () => {
  const rows = namesIn(tableBelow(read('docs/troubleshooting.md'), '## By reason'), 0);
  it.each([
    ['of a verdict', reasons],
    ['for which a Service is not written', Object.keys(problemReasons)],
    ['of a resolution', resolutionStates],
    ['of an address', unprobedReasons],
    ['of an exclusion', exclusionReasons],
    ['of Ready', readyReasons],
    ['of Available', availableReasons],
    ['of Degraded', degradedReasons],
  ])('leads from each reason %s to what to do', (_, all: readonly string[]) => {
    expect(all.length).toBeGreaterThan(5);
    expect([...new Set(all)].filter((reason) => !rows.includes(reason))).toEqual([]);
  });
});

/** Messages of a TCP probe with a timeout of 1 s for each stage at which its connection can be cut. */
function progressMessages(): readonly string[] {
  const check = tcpCheck(5432, { timeoutMs: 1000 });
  const stages: readonly Progress['stage'][] = ['connecting', 'securing', 'silent', 'partial', 'waiting'];
  const cuts = (['Timeout', 'Reset', 'ClosedEarly'] as const).map((reason) => verdict('down', reason));
  const messages = stages.flatMap((stage) =>
    [false, true].flatMap((isSecure) =>
      cuts.map((cut) => withProgress(cut, { stage, isSecure, question: 'the login' }, check).message),
    ),
  );
  return [...new Set(messages)];
}
