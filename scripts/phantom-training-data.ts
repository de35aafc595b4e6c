/**
 * Phantom studies as training data, in chunks: generate, prepare, delete the images, go on. The images of a thousand
 * studies are some 15 GB, what the demo's models read of them a fraction. A chunk that is there is not made again.
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

/** What the models of training/configs/nano.json pool at their entry, and the room that its augmentations use. */
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
  console.error(`seed ${seed} is the one that accuracy is measured with; train on another`);
  process.exit(2);
}

const program = fileURLToPath(new URL('../apps/producer/bin/spineline.js', import.meta.url));
function spineline(...words: string[]): void {
  const { status } = spawnSync(process.execPath, [program, ...words], { stdio: 'inherit' });
  // 3: some studies could not be read. Awkward ones are among them on purpose; what was skipped is in prepare.json.
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
