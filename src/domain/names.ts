import { VmmError } from '../contract/errors.ts';
import { nameSchema } from '../contract/resources/names.ts';

/** Throws invalid_name. */
export function assertName(kind: 'VM' | 'image' | 'kernel', name: string): void {
  if (!nameSchema.safeParse(name).success) throw nameError(name, `${kind} name`);
}

/** An invalid_name with the rule and, where one is near, a name that would do. */
export function nameError(name: string, what = 'name'): VmmError {
  const repaired = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return new VmmError(
    'invalid_name',
    `"${name.slice(0, 80)}" is no ${what}: use 1 to 63 letters, digits and dashes, with no dash at either end.`,
    {
      ...(repaired === '' ? {} : { hint: `Try the name ${repaired}` }),
    },
  );
}
