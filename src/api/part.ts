import { z } from 'zod';
import { withRules } from './rule.ts';

/**
 * An optional object that may be `{}`, and that has one owner: it is applied as a whole. For fields that mean something
 * together only. Of any other object, server-side apply leaves `null` where an applied one no longer has its last field.
 */
export const wholePart = <S extends z.ZodType<object>>(schema: S) =>
  schema.meta({ ...schema.meta(), 'x-kubernetes-map-type': 'atomic' }).optional();

/**
 * An optional object that may be `{}`, and whose fields may have several owners. `null` means `{}`, as server-side apply
 * leaves it. CEL takes `null` for absent: a rule of the API server alone may miss it, and then the parser finds it.
 */
export const sharedPart = <S extends z.ZodType<object>>(schema: S) =>
  schema
    .nullable()
    .transform((value): z.output<S> => value ?? schema.parse({}))
    .optional();

/** The mark of a field that is refused; the API reference leaves it out. */
export const misplacedMark = 'x-misplaced';

const misplacedField = <S extends z.ZodType>(schema: S, message: string) =>
  withRules(schema.meta({ description: `Refused: ${message}.`, [misplacedMark]: true }), [
    { holds: () => false, cel: 'false', message },
  ])
    .transform((): undefined => undefined)
    .optional();

/**
 * A field of another resource, such as a container's probe, that would mean something else here. It is declared only to be
 * refused: the API server drops a field that it does not know where the client does not ask for strict validation.
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
