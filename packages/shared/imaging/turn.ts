/**
 * Turns pixels by transposes and flips, so that no value changes. `geometry/canonical-orientation.ts` says which turn.
 */

import type { PixelData } from '../domain/index.ts';
import { checkImage, type Image } from './image.ts';

/** First the transpose, then the flips of its result; see `Turn` in `geometry/canonical-orientation.ts`. */
interface PixelTurn {
  readonly transpose: boolean;
  readonly flipX: boolean;
  readonly flipY: boolean;
}

type Pixels = Float32Array | Uint8Array | Uint16Array;
type Size = Pick<Image, 'height' | 'width'>;

/**
 * The image and its padding after a turn; the same object if the turn changes nothing.
 *
 * @returns [width, height] for a transposed image of [height, width].
 * @throws {RangeError} if the image's length does not fit its size.
 */
export function turnImage<Data extends PixelData>(image: Image<Data>, turn: PixelTurn): Image<Data> {
  if (!(turn.transpose || turn.flipX || turn.flipY)) return image;
  checkImage(image);
  const { data, padding, height, width } = image;
  const [toHeight, toWidth] = turn.transpose ? [width, height] : [height, width];
  return {
    data: turnedData(data, image, turn) as Data,
    ...(padding && { padding: turned(padding, image, turn) }),
    height: toHeight,
    width: toWidth,
  };
}

function turnedData(data: PixelData, size: Size, turn: PixelTurn): PixelData {
  if (data instanceof Float32Array) return turned(data, size, turn);
  return { ...data, samples: turned(data.samples, size, turn) };
}

function turned<A extends Pixels>(from: A, { height, width }: Size, { transpose, flipX, flipY }: PixelTurn): A {
  const to = new (from.constructor as new (length: number) => A)(from.length);
  if (transpose) transposeInto(from, to, height, width);
  else to.set(from);
  // To reverse all pixels flips both directions; to reverse the rows then flips x back, or flips it alone.
  if (flipY) to.reverse();
  if (flipX !== flipY) {
    const length = transpose ? height : width;
    for (let start = 0; start < to.length; start += length) to.subarray(start, start + length).reverse();
  }
  return to;
}

/** Pixels of a square that fits into the cache both as rows and as columns. */
const SQUARE = 16;

/** [height, width] -> [width, height]. */
function transposeInto<A extends Pixels>(from: A, to: A, height: number, width: number): void {
  for (let top = 0; top < height; top += SQUARE) {
    const bottom = Math.min(height, top + SQUARE);
    for (let left = 0; left < width; left += SQUARE) {
      const right = Math.min(width, left + SQUARE);
      for (let x = left; x < right; x++) {
        for (let y = top; y < bottom; y++) to[x * height + y] = from[y * width + x]!;
      }
    }
  }
}
