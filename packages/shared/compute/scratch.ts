/**
 * Scratch memory of compute threads: float32 arrays that a task needs only while it runs. It is kept for the next task,
 * so that threads neither ask the system for new pages nor collect garbage for every slice.
 */

/** Floats per block: 16 MiB, a few slices. A larger slice gets a block of its own, which is not kept. */
const BLOCK = 4 * 2 ** 20;
/** Blocks that are kept: 64 MiB, the spaces of 64 slices of crops. */
const BLOCKS_KEPT = 4;

/** Memory of one task at a time. */
class Scratch {
  #blocks: Float32Array[] = [];
  /** The block that is in use, and the floats of it that are taken. */
  #at = 0;
  #taken = 0;

  /** An array with any content. It may be used until the end of the task. */
  readonly floats = (length: number): Float32Array => {
    if (length > BLOCK) return new Float32Array(length);
    if (this.#taken + length > BLOCK) {
      this.#at += 1;
      this.#taken = 0;
    }
    const block = (this.#blocks[this.#at] ??= new Float32Array(BLOCK));
    this.#taken += length;
    return block.subarray(this.#taken - length, this.#taken);
  };

  reset(): void {
    this.#blocks.length = Math.min(this.#blocks.length, BLOCKS_KEPT);
    this.#at = 0;
    this.#taken = 0;
  }
}

/** One for each task that has run at the same time on this thread: in a compute thread one. */
const unused: Scratch[] = [];

/**
 * Runs a task with scratch memory.
 *
 * @param work takes float32 arrays from `floats`. They must not be part of its result.
 */
export async function withScratch<T>(work: (floats: Scratch['floats']) => Promise<T>): Promise<T> {
  const scratch = unused.pop() ?? new Scratch();
  try {
    return await work(scratch.floats);
  } finally {
    scratch.reset();
    unused.push(scratch);
  }
}
