import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { customResourceDefinition } from '../../src/api/crd.ts';
import { misplacedMark, atomicObject } from '../../src/api/object-fields.ts';
import { structural } from '../../src/api/structural.ts';
import { documentedNodes, storedNodes } from '../support/builders/parts.ts';

const of =
  (schema: z.ZodType, bounded = true) =>
  () =>
    structural(z.object({ field: schema.describe('A field.') }), { bounded });

describe('structural', () => {
  it.each([
    [
      'look-around in a pattern',
      of(
        z
          .string()
          .max(9)
          .regex(/^(?!a)/),
      ),
      'RE2 has no look-around',
    ],
    ['a union of objects', of(z.union([z.object({}), z.string()])), 'anyOf is not structural'],
    ['a field without a type', of(z.any()), 'no type'],
    ['a string without a bound', of(z.string()), 'no maxLength'],
    [
      'a list without a bound',
      of(z.array(z.boolean()).meta({ 'x-kubernetes-list-type': 'atomic' })),
      'no maxItems',
    ],
    ['a list without a type of list', of(z.array(z.boolean()).max(3)), 'no x-kubernetes-list-type'],
    ['a map without a bound', of(z.record(z.string(), z.string().max(3))), 'no maxProperties'],
    [
      'an object that may be {} and is no part',
      of(z.object({ a: z.boolean().optional().describe('a') })),
      'at field: {} becomes null',
    ],
    [
      'a field without a description',
      () => structural(z.object({ field: z.boolean() }), { bounded: false }),
      'no description',
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('writes an integer or a string as Kubernetes does', () => {
    expect(of(z.union([z.int32(), z.string().max(63)]))()).toMatchObject({
      properties: { field: { 'x-kubernetes-int-or-string': true, description: 'A field.' } },
    });
  });

  it('describes the size of an integer by its format, without the bounds of the type', () => {
    const schema = z.object({ a: z.int32().describe('a'), b: z.int().min(0).describe('b') });
    expect(structural(schema, { bounded: false }).properties).toEqual({
      a: { description: 'a', type: 'integer', format: 'int32' },
      b: { description: 'b', type: 'integer', format: 'int64', minimum: 0 },
    });
  });

  it('leaves out additionalProperties of a strict object, which Kubernetes forbids', () => {
    expect(JSON.stringify(of(atomicObject(z.strictObject({})))())).not.toContain('additionalProperties');
  });
});

describe('the CustomResourceDefinition', () => {
  const text = JSON.stringify(customResourceDefinition());

  it('has a message for every rule', () => {
    const rules = text.match(/"rule":"/g) ?? [];
    expect(rules.length).toBeGreaterThan(60);
    expect(text.match(/"rule":"(?:[^"\\]|\\.)*","message":"[^"]{20,}/g)).toHaveLength(rules.length);
  });

  it('has no default in a list item or a part, because the stored resource would always differ from the applied one', () => {
    const paths = [...storedNodes()].filter(([, node]) => 'default' in node).map(([path]) => path);
    expect(paths.toSorted()).toEqual(['failbackSeconds', 'mode', 'suspend']);
  });

  it('describes each default that only the parser fills in', () => {
    const nodes = storedNodes();
    const filledIn = [...documentedNodes()].filter(
      ([path, node]) => 'default' in node && !('default' in (nodes.get(path) ?? {})),
    );
    expect(filledIn.length).toBeGreaterThan(30);
    for (const [path] of filledIn)
      expect(`${path}: ${String(nodes.get(path)?.description)}`).toMatch(/Default: \S.*\.$/);
  });

  it('has no mark of refused fields, because the API server would not accept it', () => {
    expect(text).not.toContain(misplacedMark);
  });

  it('stays small enough for kubectl apply, which keeps a copy in an annotation of 256 KiB', () => {
    expect(text.length).toBeLessThan(200_000);
  });
});
