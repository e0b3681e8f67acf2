import { beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chartNodes } from '../support/builders/chart-values.ts';
import type { ChartNode } from '../support/builders/chart-values.ts';
import { chart, helmMajors, helmOf } from '../support/cluster/helm.ts';
import type { Helm } from '../support/cluster/helm.ts';

// Values are refused before anything is sent to a cluster. The table is the schema itself.

const nodes = chartNodes().filter(({ path }) => path.length > 0);
const groups = nodes.filter(({ isGroup }) => isGroup);
const leaves = nodes.filter(({ isGroup }) => !isGroup);

/** A value of another type than the schema has. */
const mistyped = ({ schema }: ChartNode): unknown => (schema.type === 'array' ? 'text' : [1]);

/** A value of the type of the schema, which is not one of the allowed values. */
const wrongValues: Readonly<Record<string, unknown>> = {
  fullnameOverride: 'Not_A_Name',
  'image.digest': 'sha256:12',
  'image.pullPolicy': 'Sometimes',
  replicaCount: -1,
  imagePullSecrets: [{ names: 'registry' }],
  extraArgs: ['--log-levels=debug'],
  namespaces: ['Shop'],
  'monitoring.interval': '30',
  resources: { limit: { memory: '1Gi' } },
  podLabels: { team: 7 },
};

const nested = (path: readonly string[], value: unknown): object =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

/** Returns one object with all these entries. */
function merged(objects: readonly object[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of objects.flatMap((object) => Object.entries(object) as [string, unknown][])) {
    const before = result[key];
    result[key] = isMap(before) && isMap(value) ? merged([before, value]) : value;
  }
  return result;
}

const isMap = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

describe.each(helmMajors)('Helm %i', (major) => {
  let helm: Helm;

  beforeAll(async () => {
    helm = await helmOf(major);
  }, 1_200_000);

  /** Returns the places, such as /image/tag, at which the values are refused. */
  async function refused(
    values: object,
  ): Promise<{ readonly places: readonly string[]; readonly text: string }> {
    const file = join(mkdtempSync(join(tmpdir(), 'values-')), 'values.json');
    writeFileSync(file, JSON.stringify(values));
    const { code, stderr } = await helm.try([
      'template',
      'name',
      chart,
      '-f',
      file,
      '--kube-version',
      '1.36',
    ]);
    expect(code).not.toBe(0);
    return { places: [...stderr.matchAll(/at '([^']*)'/g)].map(([, place = '']) => place), text: stderr };
  }

  const placeOf = ({ path }: ChartNode): string => `/${path.join('/')}`;

  it('refuses every value of another type, each with its name', async () => {
    const { places } = await refused(merged(leaves.map((leaf) => nested(leaf.path, mistyped(leaf)))));
    expect(leaves.map(placeOf).filter((place) => !places.includes(place))).toEqual([]);
    const { places: ofGroups } = await refused(
      merged(groups.filter(({ path }) => path.length === 1).map(({ path }) => nested(path, 'text'))),
    );
    const first = groups.filter(({ path }) => path.length === 1).map(placeOf);
    expect(first.filter((place) => !ofGroups.includes(place))).toEqual([]);
  });

  it('refuses a value that is not allowed, with its name', async () => {
    const { places } = await refused(
      merged(Object.entries(wrongValues).map(([name, value]) => nested(name.split('.'), value))),
    );
    const wanted = Object.keys(wrongValues).map((name) => `/${name.replaceAll('.', '/')}`);
    expect(wanted.filter((place) => !places.some((found) => found.startsWith(place)))).toEqual([]);
  });

  it('refuses a name that does not exist, at every level', async () => {
    const { text, places } = await refused(
      merged([{ replicas: 3 }, ...groups.map(({ path }) => nested([...path, 'enable'], true))]),
    );
    expect(text).toContain("'replicas' not allowed");
    expect(groups.map(placeOf).filter((place) => !places.includes(place))).toEqual([]);
  });

  it('takes values of a chart that depends on this one', async () => {
    const values = ['--set', 'global.registry=example,enabled=true'];
    await helm.run(['template', 'name', chart, ...values, '--kube-version', '1.36']);
  });
});
