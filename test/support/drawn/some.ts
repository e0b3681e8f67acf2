import fc from 'fast-check';

export type Fields = Readonly<Record<string, unknown>>;
export type Model = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** Returns an object with the fields of `always`, and about half of the others. */
export const some = (always: Model, sometimes: Model): fc.Arbitrary<Fields> =>
  fc.record({ ...always, ...sometimes }, { requiredKeys: Object.keys(always) });
