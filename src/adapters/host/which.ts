import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Absolute path of an executable file; `program` may be a path itself. */
export async function which(program: string, path: string): Promise<string | undefined> {
  const candidates = program.includes('/') ? [program] : path.split(':').map((folder) => join(folder, program));
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
