/** Converts an acquired image to the stored one: padding first, then rotation; and the same for its geometry. */

import type { PixelEncoding } from './acquisition/imaging.ts';
import type { Plane } from './acquisition/stack.ts';
import { pad, paddedEncoding } from './padding.ts';
import { type Matrix, storedMatrix, storedPixels, storedPlane, storedPoint } from './stored-as.ts';
import type { SeriesPlan } from './study-plan.ts';

/** The matrix of a series' files and the encoding of their values. */
export function storedFormat({ stack, encoding, storedAs, padding }: SeriesPlan): Matrix & PixelEncoding {
  return { ...(padding ? paddedEncoding(encoding, padding) : encoding), ...storedMatrix(stack, storedAs) };
}

/** Little-endian 16-bit words of the stored image. `words` come from `takePicture` and may be changed. */
export function storedWords({ stack, encoding, storedAs, padding }: SeriesPlan, words: Uint8Array): Uint8Array {
  if (!padding && storedAs === 'identity') return words;
  const pixels = new Int16Array(words.buffer, words.byteOffset, words.byteLength / 2);
  if (padding) pad(pixels, stack.rows, stack.columns, stack.pixelSpacing, encoding, padding);
  return new Uint8Array(storedPixels(pixels, stack, storedAs).buffer);
}

/** The plane of a stored image in body coordinates. */
export function planeInFile({ stack, storedAs }: SeriesPlan, plane: Plane): Plane {
  return storedPlane(plane, stack, storedAs);
}

/** Converts a pixel of the acquired image to a pixel of the file. */
export function pointInFile({ stack, storedAs }: SeriesPlan, point: { readonly x: number; readonly y: number }) {
  return storedPoint(point, stack, storedAs);
}
