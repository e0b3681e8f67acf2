import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { chartValues } from '../src/chart/values.ts';
import { options } from '../src/config/options.ts';
import { testedReleases } from '../src/kube/client/server-version.ts';
import { version } from '../src/version.ts';
import { chartNodes } from './support/builders/chart-values.ts';

const folder = join(import.meta.dirname, '../charts/external-backend-operator');
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
const nodes = chartNodes();
const leaves = nodes.filter(({ isGroup }) => !isGroup);

describe('the values of the chart', () => {
  it('are all described, in sentences', () => {
    const bad = leaves.filter(({ schema }) => !/^[A-Z].*\.$/.test(schema.description ?? ''));
    expect(bad.map(({ name }) => name)).toEqual([]);
    expect(leaves.length).toBeGreaterThan(25);
  });

  it('refuse names that do not exist, at each level of their own', () => {
    const open = nodes.filter(({ isGroup, schema }) => isGroup && schema.additionalProperties !== false);
    expect(open.map(({ name }) => name)).toEqual([]);
  });

  it('are the defaults of the schema in values.yaml, each with its description', () => {
    const text = read('values.yaml');
    expect(parse(text)).toEqual(z.parse(chartValues, {}));
    const words = text.replaceAll(/\n *# /g, ' ');
    for (const { name, schema } of leaves)
      if (schema.default !== undefined)
        expect([name, words]).toEqual([name, expect.stringContaining(schema.description ?? '-')]);
  });

  it.each(
    options()
      .filter(
        ({ flag }) =>
          !['namespaces', 'lease-name'].includes(flag) && !/^(health|metrics)-(address|cert|key)/.test(flag),
      )
      .map(({ flag, boolean }) => [flag, boolean] as const),
  )('take the flag --%s in extraArgs', (flag, isSwitch) => {
    const takes = (arg: string): boolean => chartValues.safeParse({ extraArgs: [arg] }).success;
    expect([takes(`--${flag}=1`), takes(`--no-${flag}`), takes(`--${flag}`)]).toEqual([
      true,
      isSwitch,
      isSwitch,
    ]);
  });

  it.each([
    '--namespaces=shop',
    '--lease-name=a',
    '--metrics-address=:1',
    '--log-levels=debug',
    'debug',
    '--metrics-key-file=a',
  ])('refuse %s in extraArgs, which the chart sets, or which the operator does not know', (arg) => {
    expect(chartValues.safeParse({ extraArgs: [arg] }).error?.issues[0]?.path).toEqual(['extraArgs', 0]);
  });
});

describe('Chart.yaml', () => {
  const chart = parse(read('Chart.yaml')) as {
    readonly version: string;
    readonly appVersion: string;
    readonly kubeVersion: string;
    readonly annotations: Readonly<Record<string, string>>;
  };

  it('has the version of the operator, and the oldest Kubernetes that it supports', () => {
    const oldest = testedReleases[0].split('.').slice(0, 2).join('.');
    expect([chart.version, chart.appVersion, chart.kubeVersion]).toEqual([
      version,
      version,
      `>=${oldest}.0-0`,
    ]);
  });

  it('has annotations that Artifact Hub reads as YAML', () => {
    expect(parse(chart.annotations['artifacthub.io/crds'] ?? '')).toMatchObject([
      { kind: 'ExternalBackend' },
    ]);
    expect(parse(chart.annotations['artifacthub.io/crdsExamples'] ?? '')).toHaveLength(3);
  });
});

describe('the templates of the chart', () => {
  it('have no part that the generator left unfinished', () => {
    const files = readdirSync(join(folder, 'templates'));
    expect(files.length).toBeGreaterThan(15);
    expect(files.filter((file) => /__\d+__|INDENT|undefined/.test(read(`templates/${file}`)))).toEqual([]);
  });
});
