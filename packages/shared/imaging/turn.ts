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
  const [toHeight, toWidth] = transpose ? [width, height] : [height, width];
  for (let y = 0; y < toHeight; y++) {
    const down = flipY ? toHeight - 1 - y : y;
    for (let x = 0; x < toWidth; x++) {
      const across = flipX ? toWidth - 1 - x : x;
      to[y * toWidth + x] = transpose ? from[across * width + down]! : from[down * width + across]!;
    }
  }
  return to;
}
