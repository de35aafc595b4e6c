/**
 * Makes phantom studies as training data, in chunks: generates a chunk, prepares it, and deletes its images. The images
 * of a thousand studies take some 15 GB; the prepared data is a fraction of that. Existing chunks are kept.
 *
 *   node scripts/phantom-training-data.ts --out DIR [--studies 1000] [--seed 1] [--chunk 100]
 *
 * The seed of `npm run accuracy` is reserved: studies of that seed are never trained on.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ACCURACY_SEED } from '../bench/accuracy.ts';

/** Pooling at the input of the models of training/configs/nano.json, and the room that its augmentations use. */
const PREPARE = [
  ...['--dtype', 'uint8', '--pool', '4,2,2'],
  ...['--xy-room-slices', '1', '--crop-room-slices', '3', '--crop-room-px', '20'],
];

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    studies: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    chunk: { type: 'string', default: '100' },
  },
});
const [studies, seed, chunk] = [Number(values.studies), Number(values.seed), Number(values.chunk)];
if (!values.out || ![studies, seed, chunk].every((one) => Number.isInteger(one) && one > 0)) {
  console.error('usage: node scripts/phantom-training-data.ts --out DIR [--studies 1000] [--seed 1] [--chunk 100]');
  process.exit(2);
}
if (seed === ACCURACY_SEED) {
  console.error(`seed ${seed} is reserved for measuring accuracy; use another seed for training`);
  process.exit(2);
}

const program = fileURLToPath(new URL('../apps/producer/bin/spineline.js', import.meta.url));
function spineline(...words: string[]): void {
  const { status } = spawnSync(process.execPath, [program, ...words], { stdio: 'inherit' });
  // 3: some studies could not be read. That is expected, since some phantoms are awkward. prepare.json lists what was
  // skipped.
  if (status !== 0 && status !== 3) process.exit(status ?? 1);
}

for (let start = 0; start < studies; start += chunk) {
  const count = Math.min(chunk, studies - start);
  const prepared = join(values.out, `seed-${seed}-${String(start).padStart(5, '0')}`);
  if (existsSync(join(prepared, 'prepare.json'))) continue;
  const images = `${prepared}.images`;
  rmSync(images, { recursive: true, force: true });
  mkdirSync(values.out, { recursive: true });
  spineline('phantom', images, '--studies', String(count), '--seed', String(seed), '--start', String(start));
  spineline('prepare', images, '--out', prepared, ...PREPARE);
  rmSync(images, { recursive: true });
  console.log(`${start + count} of ${studies} studies`);
}
