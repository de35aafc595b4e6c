/**
 * Values in [0, 1] as whole numbers of 12 bits: value v becomes q = floor(4095 v + 0.5), and q stands for q / 4095. The
 * largest error is 1 / 8190 = 1.23e-4, half of that of float16 just below 1.
 *
 * In bytes, two numbers a and b take three: the low 8 bits of a; the high 4 bits of a in the low half of the second
 * byte and the low 4 bits of b in its high half; the high 8 bits of b. After an odd count the last b is 0.
 */

import { withKernels } from './kernel-memory.ts';

/** The number that stands for 1. */
export const ONE = 4095;

/** How many bytes `count` numbers take. */
export function packedBytes(count: number): number {
  return 3 * Math.ceil(count / 2);
}

/** @param numbers from 0 to 4095. */
export function packTwelveBits(numbers: Uint16Array): Uint8Array<ArrayBuffer> {
  const bytes = packedBytes(numbers.length);
  const pairs = bytes / 3;
  return withKernels((memory) => {
    const from = memory.area(2 * 2 * pairs);
    // The kernel writes four bytes more.
    const to = memory.area(bytes + 4);
    const copy = memory.uint16(from, 2 * pairs);
    copy.set(numbers);
    copy.fill(0, numbers.length);
    memory.run.packPairs(from, pairs, to);
    return memory.uint8(to, bytes).slice();
  });
}

/** @throws {RangeError} if `count` numbers do not take as many bytes. */
export function unpackTwelveBits(bytes: Uint8Array, count: number): Uint16Array {
  if (bytes.length !== packedBytes(count)) {
    throw new RangeError(`${count} numbers of 12 bits take ${packedBytes(count)} bytes; found ${bytes.length}`);
  }
  const pairs = bytes.length / 3;
  return withKernels((memory) => {
    const from = memory.copyOf(bytes);
    const to = memory.area(2 * 2 * pairs);
    memory.run.unpackPairs(from, pairs, to);
    return memory.uint16(to, count).slice();
  });
}
