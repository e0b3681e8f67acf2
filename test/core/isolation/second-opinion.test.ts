import { describe, expect, it } from '@jest/globals';

import {
  fittingChecks,
  MAX_CHECKS,
  opinionOf,
  parseAnswer,
  parseQuestion,
  type Opinion,
  type OpinionQuestion,
} from '../../../src/core/isolation/second-opinion.ts';

const check = { backend: 'shop/db', id: '10.0.0.1|5432|all', ip: '10.0.0.1', port: 5432, host: 'db.example' };
const question: OpinionQuestion = { id: '1', withinMs: 1_000, isAboutLeader: false, checks: [check] };

describe('a question between replicas', () => {
  it('is read as it was written', () => {
    expect(parseQuestion(JSON.stringify(question))).toEqual(question);
  });

  it.each<[string, string | undefined]>([
    ['nothing', undefined],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no id', JSON.stringify({ ...question, id: 1 })],
    ['no time', JSON.stringify({ ...question, withinMs: 0 })],
    ['too much time', JSON.stringify({ ...question, withinMs: 1e9 })],
    ['too many checks', JSON.stringify({ ...question, checks: Array(MAX_CHECKS + 1).fill(check) })],
    ['a port that is none', JSON.stringify({ ...question, checks: [{ ...check, port: 70_000 }] })],
    ['a check that is none', JSON.stringify({ ...question, checks: [null] })],
    [
      'a text of any length',
      JSON.stringify({ ...question, checks: [{ ...check, host: 'x'.repeat(2_000) }] }),
    ],
  ])('is ignored where the annotation contains %s', (_, text) => {
    expect(parseQuestion(text)).toBeUndefined();
  });

  it('has as many checks as fit into an annotation, also with the longest names', () => {
    const longest = { ...check, backend: `${'n'.repeat(63)}/${'b'.repeat(253)}`, host: 'h'.repeat(253) };
    const checks = Array.from({ length: 2 * MAX_CHECKS }, () => longest);
    const fitting = fittingChecks(checks);
    expect(fitting).toBeGreaterThan(250);
    const text = JSON.stringify({ ...question, checks: checks.slice(0, fitting) });
    expect(text.length).toBeLessThan(240 * 1024);
    expect(parseQuestion(text)?.checks).toHaveLength(fitting);
  });

  it.each([0, 1, MAX_CHECKS, MAX_CHECKS + 1])('of %i short checks has them all, up to the limit', (count) => {
    const checks = Array.from({ length: count }, () => check);
    expect(fittingChecks(checks)).toBe(Math.min(count, MAX_CHECKS));
  });
});

it.each<[string | undefined, boolean]>([
  ['{"id":"1","to":"operator-a","opinions":"ru-"}', true],
  ['{"id":"1","to":"operator-a","opinions":"x"}', false],
  ['{"id":1,"to":"operator-a","opinions":"r"}', false],
  ['{"id":"1","opinions":"r"}', false],
  [undefined, false],
])('an answer %s is read: %s', (text, isRead) => {
  expect(parseAnswer(text) !== undefined).toBe(isRead);
});

it.each<[readonly (string | undefined)[], Opinion | undefined]>([
  [['r', 'u'], 'reached'],
  [['-', 'r'], 'reached'],
  [['u', '-'], 'unreached'],
  [['u', 'd'], 'failed'],
  [['d', 'r'], 'reached'],
  [['-', undefined], undefined],
  [[], undefined],
])('the opinions %j are %s', (letters, opinion) => {
  expect(opinionOf(letters)).toBe(opinion);
});
