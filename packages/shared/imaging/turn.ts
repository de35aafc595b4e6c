/**
 * Turns pixels by transposes and flips, so that no value changes. `geometry/canonical-orientation.ts` says which turn.
 */

import { checkImage, type Image } from './image.ts';

/** First the transpose, then the flips of its result; see `Turn` in `geometry/canonical-orientation.ts`. */
interface PixelTurn {
  readonly transpose: boolean;
  readonly flipX: boolean;
  readonly flipY: boolean;
}

/**
 * The image and its padding after a turn; the same object if the turn changes nothing.
 *
 * @returns [width, height] for a transposed image of [height, width].
 * @throws {RangeError} if the image's length does not fit its size.
 */
export function turnImage(image: Image, turn: PixelTurn): Image {
  if (!(turn.transpose || turn.flipX || turn.flipY)) return image;
  checkImage(image);
  const { data, padding, height, width } = image;
  const [toHeight, toWidth] = turn.transpose ? [width, height] : [height, width];
  return {
    data: turned(data, new Float32Array(data.length), image, turn),
    ...(padding && { padding: turned(padding, new Uint8Array(padding.length), image, turn) }),
    height: toHeight,
    width: toWidth,
  };
}

function turned<A extends Float32Array | Uint8Array>(
  from: A,
  to: A,
  { height, width }: Image,
  { transpose, flipX, flipY }: PixelTurn,
): A {
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
function transposeInto<A extends Float32Array | Uint8Array>(from: A, to: A, height: number, width: number): void {
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
