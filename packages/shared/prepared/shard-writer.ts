/**
 * Writes one shard, study by study: `.npy` files, whose headers are written at the end, when the number of studies is
 * known, and `shard.json` last.
 */

import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { npyHeader } from '../imaging/index.ts';
import type { ArrayPlan } from './array-plan.ts';
import type { LabelCounts, PreparedShard, Skipped } from './records.ts';

export const SHARD_FILE = 'shard.json';
/** Bytes reserved for a header, which is enough for these shapes. */
const HEADER = 128;

interface OpenArray {
  readonly file: FileHandle;
  readonly hash: Hash;
}

export class ShardWriter {
  readonly #folder: string;
  readonly #plan: ArrayPlan;
  readonly #arrays: Map<string, OpenArray>;
  readonly #studies: string[] = [];
  readonly #skipped: Skipped[] = [];
  #labels = { used: 0, unused: 0 };

  private constructor(folder: string, plan: ArrayPlan, arrays: Map<string, OpenArray>) {
    this.#folder = folder;
    this.#plan = plan;
    this.#arrays = arrays;
  }

  /** Starts a shard from the beginning. Removes the content of its folder. */
  static async open(folder: string, plan: ArrayPlan): Promise<ShardWriter> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const arrays = new Map<string, OpenArray>();
    for (const name of Object.keys(plan.arrays)) {
      const file = await open(join(folder, fileOf(name)), 'wx');
      await file.write(new Uint8Array(HEADER), 0, HEADER, 0);
      arrays.set(name, { file, hash: createHash('sha256') });
    }
    return new ShardWriter(folder, plan, arrays);
  }

  async add(study: string, arrays: Readonly<Record<string, ArrayBufferView>>, labels: LabelCounts): Promise<void> {
    const place = this.#studies.length;
    for (const [name, { file, hash }] of this.#arrays) {
      const { buffer, byteOffset, byteLength } = arrays[name]!;
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      hash.update(bytes);
      // A write may be incomplete.
      for (let written = 0; written < byteLength;) {
        const at = HEADER + place * byteLength + written;
        written += (await file.write(bytes, written, byteLength - written, at)).bytesWritten;
      }
    }
    this.#studies.push(study);
    this.#labels = { used: this.#labels.used + labels.used, unused: this.#labels.unused + labels.unused };
  }

  skip(skipped: Skipped): void {
    this.#skipped.push(skipped);
  }

  /** Finishes the shard: writes the headers and `shard.json`. */
  async finish(made: Pick<PreparedShard, 'options' | 'source'>): Promise<PreparedShard> {
    const arrays: PreparedShard['arrays'] = {};
    for (const [name, { file, hash }] of this.#arrays) {
      const { shape, dtype } = this.#plan.arrays[name]!;
      const full = [this.#studies.length, ...shape];
      const header = npyHeader(dtype, full, HEADER);
      if (header.length !== HEADER) throw new RangeError(`the header of ${name} takes ${header.length} bytes`);
      await file.write(header, 0, HEADER, 0);
      await file.sync();
      arrays[name] = { file: fileOf(name), shape: full, dtype, sha256: hash.digest('hex') };
    }
    await this.close();
    const shard: PreparedShard = {
      schema: 'spineline.prepared-shard/1',
      studies: this.#studies,
      arrays,
      skipped: this.#skipped,
      labels: this.#labels,
      ...made,
    };
    await writeJson(join(this.#folder, SHARD_FILE), shard);
    return shard;
  }

  async close(): Promise<void> {
    for (const { file } of this.#arrays.values()) await file.close();
    this.#arrays.clear();
  }
}

/** Writes a JSON file atomically. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const partial = `${path}.partial`;
  const file = await open(partial, 'w');
  try {
    await file.writeFile(`${JSON.stringify(value, null, 1)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

function fileOf(name: string): string {
  return `${name}.npy`;
}
