import { z } from 'zod';
import { withRules } from './rule.ts';

/**
 * Returns an optional object that may be `{}` and has one owner, because it is applied as a whole. Use it for
 * fields that have a meaning only together. In any other object, server-side apply leaves `null` when an
 * applied object no longer has its last field.
 */
export const atomicObject = <S extends z.ZodType<object>>(schema: S) =>
  schema.meta({ ...schema.meta(), 'x-kubernetes-map-type': 'atomic' }).optional();

/**
 * Returns an optional object that may be `{}` and whose fields may have several owners. `null` means `{}`,
 * because server-side apply leaves it. CEL treats `null` as absent, so a rule of the API server may miss it;
 * the parser then applies the rule.
 */
export const granularObject = <S extends z.ZodType<object>>(schema: S) =>
  schema
    .nullable()
    .transform((value): z.output<S> => value ?? schema.parse({}))
    .optional();

/** Mark of a field that is always refused. The API reference leaves such fields out. */
export const misplacedMark = 'x-misplaced';

const misplacedField = <S extends z.ZodType>(schema: S, message: string) =>
  withRules(schema.meta({ description: `Refused: ${message}.`, [misplacedMark]: true }), [
    { holds: () => false, cel: 'false', message },
  ])
    .transform((): undefined => undefined)
    .optional();

/**
 * Fields of other resources, such as the probe of a container, that would mean something else here. They are
 * declared only to be refused: the API server drops unknown fields unless the client requests strict
 * validation.
 */
export const misplacedPort = (message: string) =>
  misplacedField(z.union([z.int32(), z.string().max(253)]), message);
export const misplacedText = (message: string) => misplacedField(z.string().max(253), message);
export const misplacedNumber = (message: string) => misplacedField(z.int(), message);
export const misplacedObject = (message: string) => misplacedField(z.object({}), message);
export const misplacedCommand = (message: string) =>
  misplacedField(
    z.object({
      command: z
        .array(z.string().max(4096))
        .max(64)
        .optional()
        .meta({ description: 'Refused.', 'x-kubernetes-list-type': 'atomic' }),
    }),
    message,
  );
