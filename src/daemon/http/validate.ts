import { z } from 'zod';
import { type ErrorCode, VmmError } from '../../contract/errors.ts';
import type { Operation } from '../../contract/operation.ts';
import { mountTagSchema, nameSchema } from '../../contract/resources/names.ts';
import { nameError } from '../../domain/names.ts';

/** What a handler receives, types erased: the routes are alike for all operations. */
export interface AnyRequest {
  readonly params: object;
  readonly query: unknown;
  readonly input: unknown;
}

/** Every path parameter of the table; a new one must be named here, or the daemon does not start. */
const paramSchemas: Readonly<Record<string, z.ZodType>> = {
  name: nameSchema,
  tag: mountTagSchema,
  id: z.string().regex(/^[0-9a-f-]{1,64}$/, 'is no id of an operation'),
};

/** Fields whose faults have a code of their own. */
const fieldCodes: Readonly<Record<string, ErrorCode>> = {
  name: 'invalid_name',
  image: 'invalid_name',
  kernel: 'invalid_name',
  mounts: 'invalid_mount',
  tag: 'invalid_mount',
  sshKeys: 'invalid_ssh_key',
};

/** Parses the three parts of a request. Unknown fields are refused everywhere: a misspelt option must not be silently ignored. */
export function createValidator(operation: Operation): (raw: AnyRequest) => AnyRequest {
  const names = [...operation.path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] ?? '');
  const params = z.strictObject(
    Object.fromEntries(
      names.map((name) => {
        const schema = paramSchemas[name];
        if (schema === undefined) throw new Error(`No rule for the path parameter ${name} of ${operation.path}`);
        return [name, schema];
      }),
    ),
  );
  const query = strict(operation.query);
  const input = strict(operation.input);
  return (raw) => ({
    params: parse(params, raw.params),
    query: parse(query, absentIf(operation.query, isEmpty(raw.query), raw.query)),
    input: parse(input, absentIf(operation.input, raw.input === undefined, raw.input)),
  });
}

function strict(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodObject ? schema.strict() : schema;
}

/** Nothing sent is `undefined` where nothing is expected, and `{}` where all fields may have defaults. */
function absentIf(schema: z.ZodType, absent: boolean, value: unknown): unknown {
  if (!absent) return value;
  return schema instanceof z.ZodUndefined ? undefined : {};
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

// The result is an object whenever the schema is one; `undefined` schemas answer undefined.
function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw toInputError(schema, result.error.issues, value);
}

function toInputError(schema: z.ZodType, issues: readonly z.core.$ZodIssue[], value: unknown): VmmError {
  if (schema instanceof z.ZodUndefined) {
    return new VmmError('invalid_input', 'This operation takes no body and no query parameters.');
  }
  const code = fieldCodes[String(issues[0]?.path[0])] ?? 'invalid_input';
  if (code === 'invalid_name') {
    const given = fieldOf(value, String(issues[0]?.path[0]));
    if (typeof given === 'string') return nameError(given);
  }
  const told = issues.slice(0, 8).map((issue) => {
    const path = issue.path.join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  return new VmmError(code, `${told.join('; ')}.`);
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === field)?.[1]
    : undefined;
}
