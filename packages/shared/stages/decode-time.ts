/**
 * Measures how long a compute thread has been decoding. The state is per thread, which runs one task at a time. Time in
 * which several files are decoded at once counts once.
 */

let running = 0;
let since = 0;
let totalMs = 0;

/** Runs `work`, which parses or decodes files. */
export async function timeDecoding<T>(work: () => Promise<T>): Promise<T> {
  if (running++ === 0) since = performance.now();
  try {
    return await work();
  } finally {
    if (--running === 0) totalMs += performance.now() - since;
  }
}

/** The time since the last call, in ms. */
export function takeDecodeMs(): number {
  const ms = totalMs;
  totalMs = 0;
  return ms;
}
