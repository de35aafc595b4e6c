/**
 * Reads and writes arrays in NumPy's .npy format, to exchange them with Python. Version 1.0, C order, little endian. Any
 * other file is refused.
 *
 * Source: NEP 1, "A Simple File Format for NumPy Arrays".
 */

import { type NpyDtype, npyHeader } from '../../imaging/index.ts';

/** The element types that are read and written, by NumPy's name. */
const CONSTRUCTORS = {
  '<f2': Float16Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
  '|i1': Int8Array,
  '<i2': Int16Array,
  '<i4': Int32Array,
  '|u1': Uint8Array,
  '<u2': Uint16Array,
  '<u4': Uint32Array,
} as const;

type Dtype = keyof typeof CONSTRUCTORS;
/** Arrays that are read own their memory ... */
type ArrayOf = { [D in Dtype]: InstanceType<(typeof CONSTRUCTORS)[D]> };
/** ... arrays that are written may be views of any buffer. */
type Writable =
  | Float16Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** An array and its `dtype`. `data` owns its memory, so that its buffer can be transferred. */
type NpyArray = { [D in Dtype]: { dtype: D; shape: number[]; data: ArrayOf[D] } }[Dtype];

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** Magic, version (two bytes), length of the header (two bytes). */
const PREFIX = 10;
const HEADER = /^\{'descr': '([^']+)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n$/;

/**
 * The bytes of a .npy file.
 *
 * @param array elements in C order.
 * @param shape its product is the number of elements; `[]` is a scalar.
 * @throws {RangeError} if the shape does not hold the number of elements.
 */
export function writeNpy(array: Writable, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const dtype = (Object.keys(CONSTRUCTORS) as Dtype[]).find((name) => array instanceof CONSTRUCTORS[name]);
  if (!dtype) throw new RangeError('this kind of array has no .npy type');
  if (elementsOf(shape) !== array.length) {
    throw new RangeError(`shape [${shape.join(', ')}] does not hold ${array.length} elements`);
  }
  const header = npyHeader(dtype as NpyDtype, shape);
  const bytes = new Uint8Array(header.length + array.byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), header.length);
  return bytes;
}

/**
 * The array in the bytes of a .npy file.
 *
 * @throws {Error} if the bytes are not .npy, are of another version, order or element type, or
 *   are not as long as the shape says.
 */
export function readNpy(bytes: Uint8Array): NpyArray {
  if (bytes.length < PREFIX || MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw invalid('not a .npy file', 'the bytes \\x93NUMPY', `${bytes.length} bytes without them`);
  }
  if (bytes[6] !== 1 || bytes[7] !== 0) {
    throw invalid('another version of .npy', 'version 1.0', `version ${bytes[6]}.${bytes[7]}`);
  }
  const start = PREFIX + (bytes[8]! | (bytes[9]! << 8));
  if (bytes.length < start) throw invalid('.npy header is cut off', `${start} bytes`, `${bytes.length}`);
  const text = new TextDecoder('latin1').decode(bytes.subarray(PREFIX, start));
  const header = HEADER.exec(text);
  if (!header) throw invalid('.npy header cannot be read', 'descr, fortran_order, shape', JSON.stringify(text.trim()));
  const [, dtype, order, tuple] = header as unknown as [string, string, string, string];
  if (!isDtype(dtype)) throw invalid('.npy element type', Object.keys(CONSTRUCTORS).join(', '), dtype);
  if (order !== 'False') throw invalid('.npy element order', 'C order', 'Fortran order');

  const shape = tuple.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  const elements = elementsOf(shape);
  const Constructor = CONSTRUCTORS[dtype];
  // Compared before memory is allocated: a damaged header may claim any size.
  if (elements === undefined || elements * Constructor.BYTES_PER_ELEMENT !== bytes.length - start) {
    throw invalid(
      '.npy data does not fit its shape',
      `${dtype} [${shape.join(', ')}]`,
      `${bytes.length - start} bytes`,
    );
  }
  const data = new Constructor(elements);
  new Uint8Array(data.buffer).set(bytes.subarray(start));
  return { dtype, shape, data } as NpyArray;
}

/** The number of elements of a shape; `undefined` if it is not made of whole numbers or too large to count. */
function elementsOf(shape: readonly number[]): number | undefined {
  const product = shape.reduce((elements, size) => elements * size, 1);
  return shape.every((size) => Number.isInteger(size) && size >= 0) && Number.isSafeInteger(product)
    ? product
    : undefined;
}

function isDtype(name: string): name is Dtype {
  return Object.hasOwn(CONSTRUCTORS, name);
}

function invalid(summary: string, expected: string, found: string): Error {
  return new Error(`${summary}: expected ${expected}; found ${found}`);
}
