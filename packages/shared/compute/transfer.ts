/** Large arrays between threads: they are transferred, not copied, and given back to the system when they are done with. */

/**
 * The buffers of arrays that own theirs, for a list of transfers. An array that shares its buffer is copied instead, as
 * those of Node's pool must be. Other values have no buffer.
 */
export function ownBuffers(values: Iterable<unknown>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const value of values) {
    if (!ArrayBuffer.isView(value) || value.byteLength !== value.buffer.byteLength) continue;
    if (value.buffer instanceof ArrayBuffer) buffers.add(value.buffer);
  }
  return [...buffers];
}

/**
 * Gives back the memory of arrays at once, which leaves them empty. Megabytes that wait for the garbage collector make it
 * run far more often.
 */
export function free(values: Iterable<unknown>): void {
  for (const buffer of ownBuffers(values)) if (!buffer.detached) buffer.transfer(0);
}
