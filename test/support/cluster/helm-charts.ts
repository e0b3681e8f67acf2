import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { apiVersion } from '../../../src/api/external-backend.ts';
import { version } from '../../../src/version.ts';
import { chart } from './helm.ts';

/** Returns the folder of the chart as it was with the CRD of version 0.1, under a lower version. */
export function earlierChart(): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'chart-')), 'external-backend-operator');
  cpSync(chart, folder, { recursive: true });
  const old = parse(readFileSync(join(import.meta.dirname, 'crds/externalbackends-0.1.yaml'), 'utf8')) as {
    readonly metadata: object;
  };
  const metadata = { ...old.metadata, annotations: { 'helm.sh/resource-policy': 'keep' } };
  writeFileSync(
    join(folder, 'templates/crd.yaml'),
    stringify({ ...old, metadata }, { aliasDuplicateObjects: false }),
  );
  const meta = join(folder, 'Chart.yaml');
  const text = readFileSync(meta, 'utf8');
  writeFileSync(meta, text.replaceAll(`ersion: ${version}`, 'ersion: 0.0.9'));
  return folder;
}

/** Returns the folder of a chart of an application that contains one ExternalBackend, whose spec is the value `spec`. */
export function applicationChart(): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'chart-')), 'application');
  mkdirSync(join(folder, 'templates'), { recursive: true });
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: application\nversion: 1.0.0\n');
  writeFileSync(
    join(folder, 'templates/backend.yaml'),
    [
      `apiVersion: ${apiVersion}`,
      'kind: ExternalBackend',
      'metadata: {name: "{{ .Release.Name }}"}',
      'spec: {{- toYaml .Values.spec | nindent 2 }}',
      '',
    ].join('\n'),
  );
  return folder;
}
