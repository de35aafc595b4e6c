import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNpy, writeNpy } from './support/npy.ts';

// Written by NumPy: training/reference/make_fixtures.py.
function numpyBytes(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, 'fixtures/npy', `${name}.npy`));
}

const EXPECTED = {
  f2: { dtype: '<f2', shape: [2, 3], data: Float16Array.of(0.5, -1.25, 65504, Infinity, 6e-8, -0) },
  f4: { dtype: '<f4', shape: [2, 3, 4], data: Float32Array.from({ length: 24 }, (_, i) => -1 + (2 * i) / 23) },
  f8: { dtype: '<f8', shape: [2], data: Float64Array.of(Math.PI, -Math.E) },
  i4: { dtype: '<i4', shape: [3], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0) },
  i2: { dtype: '<i2', shape: [2, 1], data: Int16Array.of(-32768, 32767) },
  u1: { dtype: '|u1', shape: [256], data: Uint8Array.from({ length: 256 }, (_, i) => i) },
  scalar: { dtype: '<i4', shape: [], data: Int32Array.of(7) },
  empty: { dtype: '<f4', shape: [0, 5], data: new Float32Array(0) },
} as const;

describe('.npy', () => {
  it.each(Object.entries(EXPECTED))('reads NumPy’s own bytes: %s', (name, expected) => {
    expect(readNpy(numpyBytes(name))).toEqual(expected);
  });

  it.each(Object.entries(EXPECTED))('writes NumPy’s own bytes: %s', (name, { data, shape }) => {
    expect(Buffer.from(writeNpy(data, shape))).toEqual(numpyBytes(name));
  });

  it('reads from the middle of a buffer into memory of its own', () => {
    const bytes = numpyBytes('f4');
    const shifted = Buffer.concat([Buffer.from([1, 2, 3]), bytes]).subarray(3);
    const { data } = readNpy(shifted);
    expect(data).toEqual(EXPECTED.f4.data);
    expect(data.buffer.byteLength).toBe(96);
  });

  it.each([
    ['refused-fortran', /expected C order; found Fortran order/],
    ['refused-big-endian', /element type.*found >f4/],
    ['refused-complex', /element type.*found <c8/],
  ])('refuses what it would read wrongly: %s', (name, message) => {
    expect(() => readNpy(numpyBytes(name))).toThrow(message);
  });

  it('refuses bytes that are not as long as the shape says, in either direction', () => {
    const bytes = numpyBytes('f4');
    expect(() => readNpy(bytes.subarray(0, -1))).toThrow(/does not fit its shape/);
    expect(() => readNpy(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(/does not fit its shape/);
    expect(() => readNpy(bytes.subarray(0, 60))).toThrow(/header is cut off/);
    expect(() => readNpy(bytes.subarray(0, 5))).toThrow(/not a .npy file/);
  });

  it('refuses a header that is no header, and another version', () => {
    const text = Buffer.from(numpyBytes('f4'));
    text.write('{"descr"', 10, 'latin1');
    expect(() => readNpy(text)).toThrow(/header cannot be read/);
    const version = Buffer.from(numpyBytes('f4'));
    version[6] = 3;
    expect(() => readNpy(version)).toThrow(/found version 3.0/);
  });

  it('refuses to write a shape that does not hold the elements', () => {
    expect(() => writeNpy(new Float32Array(5), [2, 3])).toThrow(/does not hold 5 elements/);
    expect(() => writeNpy(new Float32Array(5), [-5])).toThrow(RangeError);
  });
});
