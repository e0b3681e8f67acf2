import { parseBackend } from '../../../src/api/parse.ts';
import { aStoredBackend, type SpecInput } from '../builders/builders.ts';

type Fields = Readonly<Record<string, unknown>>;

const most = 40;

/**
 * Returns the spec without what the schema refuses, field by field, so that most drawn fields are tried;
 * undefined: nothing is left.
 */
export function repaired(drawn: SpecInput): SpecInput | undefined {
  let spec = drawn;
  for (let i = 0; i < most; i += 1) {
    const parsed = parseBackend(aStoredBackend(spec));
    if (parsed.ok) return spec;
    const [problem] = parsed.problems;
    const next = problem && repair(spec, problem.path.replace(/^spec\./, ''), problem.message);
    if (next === undefined) return undefined;
    spec = next;
  }
  return undefined;
}

function repair(spec: SpecInput, path: string, message: string): SpecInput | undefined {
  if (/nodePort/.test(message)) return eachOf(spec, 'ports', ['nodePort']);
  if (/credentials is missing/.test(message)) return { ...spec, credentials: { secretName: 'login' } };
  if (/need a probe that reports them/.test(message))
    return eachOf(spec, 'services', ['role', 'maxLagSeconds', 'fallbackToPrimary']);
  if (/targets\[\]\.port/.test(message)) return eachOf(spec, 'targets', ['port']);
  if (/_service\._proto/.test(message)) return { ...spec, ports: (spec['ports'] as object[]).slice(0, 1) };
  if (/same clusterIP twice/.test(message)) return eachOf(spec, 'services', ['clusterIP']);
  if (['targets', 'ports', 'services', ''].includes(path)) return undefined;
  return without(spec, path.split(/[.[\]]+/).filter(Boolean)) as SpecInput;
}

function eachOf(spec: SpecInput, list: string, names: readonly string[]): SpecInput {
  const items = (spec[list] as readonly Fields[]).map((item) =>
    Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name))),
  );
  return { ...spec, [list]: items };
}

function without(value: unknown, [head = '', ...rest]: readonly string[]): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown, i) => (String(i) === head ? without(item, rest) : item));
  const entries = Object.entries(value as Fields);
  return Object.fromEntries(
    rest.length === 0
      ? entries.filter(([name]) => name !== head)
      : entries.map(([name, child]) => [name, name === head ? without(child, rest) : child]),
  );
}
