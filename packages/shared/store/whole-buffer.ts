/**
 * Bytes that can be transferred to a worker thread: an array that has its ArrayBuffer to itself. Node's small Buffers are
 * windows into a shared pool, and transferring the pool would take everybody's bytes away.
 */

/** The same bytes in an array that owns its whole buffer; copied only when they are a window into a larger one. */
export function wholeBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  const whole = buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength;
  return whole ? new Uint8Array(buffer) : new Uint8Array(bytes);
}
