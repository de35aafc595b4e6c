/**
 * Bytes that can be transferred to a worker thread: an array that does not share its ArrayBuffer. Small Buffers of Node
 * are views into a shared pool, and transferring the pool would take away the bytes of all other Buffers in it.
 */

/** The same bytes in an array that owns its whole buffer. Copies them only if they are a view into a larger buffer. */
export function wholeBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  const whole = buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength;
  return whole ? new Uint8Array(buffer) : new Uint8Array(bytes);
}
