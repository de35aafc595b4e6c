/**
 * The arrays of one study while they are filled. They start as zeros. Images are pooled and converted to their type
 * here.
 */

import type { ArrayShape } from './array-plan.ts';
import type { PrepareOptions } from './records.ts';

const CONSTRUCTORS = {
  '<f4': Float32Array,
  '<f2': Float16Array,
  '<i4': Int32Array,
  '|u1': Uint8Array,
  '|i1': Int8Array,
};
type StudyArray = InstanceType<(typeof CONSTRUCTORS)[keyof typeof CONSTRUCTORS]>;

export class StudyArrays {
  readonly #shapes: Readonly<Record<string, ArrayShape>>;
  readonly #pool: PrepareOptions['pool'];
  readonly #arrays: Record<string, StudyArray>;

  constructor(shapes: Readonly<Record<string, ArrayShape>>, pool: PrepareOptions['pool']) {
    this.#shapes = shapes;
    this.#pool = pool;
    this.#arrays = Object.fromEntries(
      Object.entries(shapes).map(([name, { shape, dtype }]) => {
        const Constructor = CONSTRUCTORS[dtype as keyof typeof CONSTRUCTORS];
        return [name, new Constructor(shape.reduce((product, dim) => product * dim, 1))];
      }),
    );
  }

  all(): Record<string, ArrayBufferView<ArrayBuffer>> {
    return this.#arrays as Record<string, ArrayBufferView<ArrayBuffer>>;
  }

  of(name: string): StudyArray {
    const array = this.#arrays[name];
    if (!array) throw new RangeError(`no array ${name} was planned`);
    return array;
  }

  /** Writes an image of values in [0, 1] (any number of planes, before pooling) to a row of an array. */
  image(name: string, row: number, values: Float32Array): void {
    const target = this.of(name);
    const { shape, dtype } = this.#shapes[name]!;
    const pool = this.#pool[name.slice(0, 6) as keyof PrepareOptions['pool']];
    const [height, width] = shape.slice(-2) as [number, number];
    const pooled = pool === 1 ? values : averagePool(values, height, width, pool);
    const start = row * pooled.length;
    if (dtype !== '|u1') target.set(pooled, start);
    else roundTo255(pooled, target as Uint8Array, start);
  }
}

function roundTo255(values: Float32Array, out: Uint8Array, offset: number): void {
  // The conversion to uint8 truncates.
  for (let i = 0; i < values.length; i++) out[offset + i] = 255 * values[i]! + 0.5;
}

/** Means of `pool` x `pool` px. @param height and width of the result. */
function averagePool(values: Float32Array, height: number, width: number, pool: number): Float32Array {
  const planes = values.length / (height * width * pool * pool);
  const out = new Float32Array(planes * height * width);
  const columns = width * pool;
  const scale = 1 / (pool * pool);
  if (pool === 2) {
    for (let row = 0; row < planes * height; row++) {
      const above = 2 * row * columns;
      const below = above + columns;
      for (let x = 0; x < width; x++) {
        out[row * width + x] =
          (values[above + 2 * x]! + values[above + 2 * x + 1]! + values[below + 2 * x]! + values[below + 2 * x + 1]!) *
          scale;
      }
    }
    return out;
  }
  for (let row = 0; row < planes * height; row++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let dy = 0; dy < pool; dy++) {
        const at = (row * pool + dy) * columns + x * pool;
        for (let dx = 0; dx < pool; dx++) sum += values[at + dx]!;
      }
      out[row * width + x] = sum * scale;
    }
  }
  return out;
}
