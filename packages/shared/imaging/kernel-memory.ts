/**
 * Runs the kernels of kernels/kernels.ts (WebAssembly) and owns the memory that they work in. Each thread has one memory,
 * which all calls reuse: it grows to the largest input.
 *
 * An address is a place in that memory, in bytes. Areas are handed out one after the other and are given back together
 * when the work that asked for them ends. An area holds what earlier work left there: write before you read.
 */

import { readFileSync } from 'node:fs';
import { type PixelData, pixelCount } from '../domain/index.ts';

/** A place in the memory of the kernels, in bytes. */
export type Address = number;

/** The exports of kernels.wasm: see kernels/kernels.ts. */
interface Kernels {
  widen16: Widen;
  widen8: Widen;
  resizeRows(
    from: Address,
    height: number,
    width: number,
    first: Address,
    weights: Address,
    taps: number,
    outputs: number,
    strip: Address,
    to: Address,
  ): void;
  resizeColumns(
    from: Address,
    columns: number,
    first: Address,
    weights: Address,
    taps: number,
    outputs: number,
    to: Address,
  ): void;
  markPadding(share: Address, count: number, limit: number, data: Address): void;
  keepOutside(from: Address, count: number, above: number, below: number, shuffles: Address, to: Address): Address;
  countUpperHalves(from: Address, count: number, histograms: Address): void;
  countLowerHalves(from: Address, count: number, one: number, other: number, histograms: Address): void;
  listBins(histograms: Address, copies: number, bins: Address, counts: Address): number;
  normalise(
    from: Address,
    stride: number,
    rows: number,
    columns: number,
    low: number,
    range: number,
    to: Address,
    toStride: number,
  ): void;
  quantise(from: Address, count: number, one: number, to: Address): void;
  dequantise(
    from: Address,
    stride: number,
    rows: number,
    columns: number,
    one: number,
    to: Address,
    toStride: number,
  ): void;
  packPairs(from: Address, pairs: number, to: Address): void;
  unpackPairs(from: Address, pairs: number, to: Address): void;
}

type Widen = (
  from: Address,
  count: number,
  signed: boolean,
  left: number,
  right: number,
  slope: number,
  intercept: number,
  to: Address,
) => void;

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

/** The parts of WebAssembly's interface that are used here: TypeScript has them only among the types of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => Memory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (program: object, imports: { env: { memory: Memory } }) => { readonly exports: unknown };
};

const PAGE = 65_536;
/** Areas start at multiples of this, so that no SIMD load crosses a cache line. */
const ALIGNMENT = 64;
/** A memory that has grown beyond this is not kept: one huge image must not hold it for as long as the thread lives. */
const KEPT_BYTES = 128 * 2 ** 20;

let program: object | undefined;
let current: KernelMemory | undefined;
/** How many calls of `withKernels` are under way, one within the other. */
let depth = 0;

/**
 * Runs `work` with the memory of this thread. Every area that it takes is given back when it ends. `work` may call this
 * function again, but is not asynchronous.
 *
 * @throws {RangeError} if the work needs more than 4 GiB.
 */
export function withKernels<T>(work: (memory: KernelMemory) => T): T {
  current ??= new KernelMemory();
  const memory = current;
  const mark = memory.top;
  depth++;
  try {
    return work(memory);
  } finally {
    depth--;
    memory.giveBack(mark);
    if (depth === 0 && memory.bytes > KEPT_BYTES) current = undefined;
  }
}

export class KernelMemory {
  readonly run: Kernels;
  readonly #memory = new WebAssembly.Memory({ initial: 1 });
  #top: Address = 0;

  constructor() {
    program ??= new WebAssembly.Module(readFileSync(new URL('kernels/kernels.wasm', import.meta.url)));
    this.run = new WebAssembly.Instance(program, { env: { memory: this.#memory } }).exports as Kernels;
  }

  /** How large the memory is. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Where the next area starts. */
  get top(): Address {
    return this.#top;
  }

  /** Gives back all areas from `mark`, an earlier `top`, on. */
  giveBack(mark: Address): void {
    this.#top = mark;
  }

  /** An area of `bytes`. Views of the memory that were made before are no longer valid. */
  area(bytes: number): Address {
    const address = this.#top;
    const end = Math.ceil((address + bytes) / ALIGNMENT) * ALIGNMENT;
    if (end > this.bytes) this.#memory.grow(Math.ceil((end - this.bytes) / PAGE));
    this.#top = end;
    return address;
  }

  /** An area that holds a copy of the array. */
  copyOf(array: Uint8Array | Int32Array | Float64Array): Address {
    const address = this.area(array.byteLength);
    this.#copy(array, address);
    return address;
  }

  /** An area that holds the pixel values as float32. */
  copyOfPixels(data: PixelData): Address {
    const count = pixelCount(data);
    const to = this.area(4 * count);
    this.writePixels(data, 0, count, to);
    return to;
  }

  /** Writes `count` pixel values, from the one at `from` on, as float32 to an address. */
  writePixels(data: PixelData, from: number, count: number, to: Address): void {
    if (data instanceof Float32Array) {
      this.#copy(data.subarray(from, from + count), to);
      return;
    }
    const { signed, left, right, slope, intercept } = data;
    const samples = data.samples.subarray(from, from + count);
    // At the end of the place of the result, which needs no other memory.
    const at = to + 4 * count - samples.byteLength;
    this.#copy(samples, at);
    const widen = samples instanceof Uint8Array ? this.run.widen8 : this.run.widen16;
    widen(at, count, signed, left, right, slope, intercept, to);
  }

  #copy(array: Float32Array | Uint8Array | Uint16Array | Int32Array | Float64Array, to: Address): void {
    this.uint8(to, array.byteLength).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }

  /** Copies bytes from one area to another. */
  copy(from: Address, bytes: number, to: Address): void {
    this.uint8(0, this.bytes).copyWithin(to, from, from + bytes);
  }

  // Views, valid until the next `area`.

  float32(address: Address, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, address, length);
  }
  uint8(address: Address, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, length);
  }
  uint16(address: Address, length: number): Uint16Array {
    return new Uint16Array(this.#memory.buffer, address, length);
  }
  uint32(address: Address, length: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, address, length);
  }
}
