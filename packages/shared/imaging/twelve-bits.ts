/**
 * Values in [0, 1] as whole numbers of 12 bits: value v becomes q = floor(4095 v + 0.5), and q stands for q / 4095. The
 * largest error is 1 / 8190 = 1.23e-4, half of that of float16 just below 1.
 *
 * In bytes, two numbers a and b take three: the low 8 bits of a; the high 4 bits of a in the low half of the second
 * byte and the low 4 bits of b in its high half; the high 8 bits of b. After an odd count the last b is 0.
 */

/** The number that stands for 1. */
export const ONE = 4095;

/** How many bytes `count` numbers take. */
export function packedBytes(count: number): number {
  return 3 * Math.ceil(count / 2);
}

/** @param numbers from 0 to 4095. */
export function packTwelveBits(numbers: Uint16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(packedBytes(numbers.length));
  const even = numbers.length & ~1;
  let at = 0;
  // The conversion to uint8 keeps the low 8 bits.
  for (let i = 0; i < even; i += 2) {
    const a = numbers[i]!;
    const b = numbers[i + 1]!;
    bytes[at] = a;
    bytes[at + 1] = (a >> 8) | (b << 4);
    bytes[at + 2] = b >> 4;
    at += 3;
  }
  if (even < numbers.length) {
    bytes[at] = numbers[even]!;
    bytes[at + 1] = numbers[even]! >> 8;
  }
  return bytes;
}

/** @throws {RangeError} if `count` numbers do not take as many bytes. */
export function unpackTwelveBits(bytes: Uint8Array, count: number): Uint16Array {
  if (bytes.length !== packedBytes(count)) {
    throw new RangeError(`${count} numbers of 12 bits take ${packedBytes(count)} bytes; found ${bytes.length}`);
  }
  const numbers = new Uint16Array(count);
  const even = count & ~1;
  let at = 0;
  for (let i = 0; i < even; i += 2) {
    const middle = bytes[at + 1]!;
    numbers[i] = bytes[at]! | ((middle & 15) << 8);
    numbers[i + 1] = (middle >> 4) | (bytes[at + 2]! << 4);
    at += 3;
  }
  if (even < count) numbers[even] = bytes[at]! | ((bytes[at + 1]! & 15) << 8);
  return numbers;
}
