/**
 * The header of arrays in NumPy's .npy format, which Python opens with one line: `numpy.load(path)`. Version 1.0, C
 * order, little endian. The elements follow the header.
 *
 * Source: NEP 1, "A Simple File Format for NumPy Arrays".
 */

import { endianness } from 'node:os';

/** An element type by NumPy's name. */
export type NpyDtype = '<f2' | '<f4' | '<i4' | '|i1' | '|u1';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** Magic, version (two bytes), length of the header (two bytes). */
const PREFIX = 10;
/** The elements start at a multiple of this, as NumPy writes them. */
const ALIGNMENT = 64;

// Elements are copied byte by byte, so the machine must have the byte order of the format.
if (endianness() !== 'LE') throw new Error('.npy is written on little-endian machines only');

/**
 * The bytes of a .npy file before its elements.
 *
 * @param atLeast smallest length in bytes, so that a header can be overwritten once the shape is known.
 */
export function npyHeader(dtype: NpyDtype, shape: readonly number[], atLeast = 0): Uint8Array<ArrayBuffer> {
  // Python writes a tuple of one with a comma: (5,).
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const start = Math.ceil(Math.max(atLeast, PREFIX + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(start);
  bytes.set(MAGIC);
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, start - PREFIX, true);
  bytes.set(new TextEncoder().encode(`${text.padEnd(start - PREFIX - 1)}\n`), PREFIX);
  return bytes;
}
