import { type Context, emit } from '../context.ts';

/** Work that nobody waits for: a failure is told as an event and ends nothing else. */
export async function inBackground(context: Context, subject: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    try {
      emit(context, 'host.changed', subject, message);
    } catch {
      // A state store that cannot be written leaves nobody to tell; the next request meets the same fault and tells it.
    }
  }
}
