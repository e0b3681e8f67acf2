import { z } from 'zod';
import { celNotEmpty, celString, withRules, type Rule } from './rule.ts';
import { labelValue, qualifiedName } from './patterns.ts';

type Entries = Readonly<Record<string, string>>;

/** Prefixes and keys that the operator sets, or that controllers of Kubernetes act on. */
const reservedKeys = [
  'externalbackend\\.io/.*',
  'endpointslice\\.kubernetes\\.io/.*',
  'endpoints\\.kubernetes\\.io/.*',
  'kubernetes\\.io/service-name',
  'service\\.kubernetes\\.io/headless',
  'app\\.kubernetes\\.io/managed-by',
];
const reserved = new RegExp(`^(${reservedKeys.join('|')})$`);
const reservedText = reservedKeys.map((key) => key.replaceAll('\\', '').replace('.*', '')).join(', ');

const isQualifiedName = new RegExp(qualifiedName);
const isLabelValue = new RegExp(labelValue);

const validKeys = (field: string): Rule<Entries> => ({
  holds: (map) => Object.keys(map).every((key) => isQualifiedName.test(key)),
  cel: `self.all(key, key.matches(${celString(qualifiedName)}))`,
  message: `${field} has a key that is not a label key: write name or domain.example/name`,
});

const noReservedKeys = (field: string): Rule<Entries> => ({
  holds: (map) => !Object.keys(map).some((key) => reserved.test(key)),
  cel: `!self.exists(key, key.matches(${celString(reserved.source)}))`,
  message: `${field} has a key that the operator or Kubernetes sets (${reservedText}): remove it`,
});

const labelValues = (field: string): Rule<Entries> => ({
  holds: (map) => Object.values(map).every((value) => isLabelValue.test(value)),
  cel: `self.all(key, self[key].matches(${celString(labelValue)}))`,
  message: `${field} has a value that is not a label value: use at most 63 letters, digits, -, _ and .`,
});

/** Schema of a map with a bounded number of entries. `maxProperties` has the same bound in the CRD. */
function boundedMap(maxProperties: number, valueLength: number, rules: readonly Rule<Entries>[]) {
  const map = z.record(z.string(), z.string().max(valueLength)).superRefine((entries, context) => {
    if (Object.keys(entries).length <= maxProperties) return;
    context.addIssue({ code: 'custom', message: `must have at most ${maxProperties} entries` });
  });
  return withRules(map.meta({ maxProperties }), rules);
}

export const labelsSchema = boundedMap(32, 63, [
  validKeys('labels'),
  noReservedKeys('labels'),
  labelValues('labels'),
]);
export const annotationsSchema = boundedMap(32, 4096, [
  validKeys('annotations'),
  noReservedKeys('annotations'),
]);
export const selectorSchema = boundedMap(16, 63, [
  {
    holds: (map) => Object.keys(map).length > 0,
    cel: celNotEmpty,
    message: 'selector is empty: set the labels of the pods, or remove selector',
  },
  validKeys('selector'),
  labelValues('selector'),
]);
