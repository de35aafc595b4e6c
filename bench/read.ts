/**
 * Measures reading: from the bytes of DICOM files to normalised stacks, by transfer syntax, against pydicom. See
 * bench/README.md.
 *
 *   npm run bench:read -- [--studies 1] [--rounds 2]
 */

import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openImage } from '@spineline/shared/dicom';
import { normaliseInPlace, percentiles } from '@spineline/shared/imaging';
import pLimit from 'p-limit';
import { z } from 'zod';
import { pythonOf } from './python.ts';
import {
  beside,
  figure,
  machineLine,
  measured,
  phantoms,
  printTable,
  readOptions,
  say,
  wholeNumber,
  writeJson,
} from './table.ts';

const HELP = `
usage: npm run bench:read -- [OPTION ...]

Reads phantom series from memory: parses, decodes, rescales, and scales them between the 1st and the 99th percentile.
Compares the CPU time with pydicom and its plug-ins, on one core each. Needs DCMTK and GDCM for the compressed copies.

  --studies N          phantom studies (default 1)
  --rounds N           rounds of passes, spineline and pydicom in turn; the fastest pass counts (default 2)
`;

/** Passes per round. The first ones are slow, until V8 has compiled the code; the fastest counts. */
const PASSES = 8;
/** Bytes per pixel of the uncompressed files. */
const BYTES_PER_PIXEL = 2;
/** Largest difference of the mean of the normalised pixels, in [0, 1]. */
const TOLERANCE = 1e-5;

/** A transfer syntax, and the command that makes such a file: options before the two names of files. */
const SYNTAXES: readonly { readonly name: string; readonly encode?: readonly [string, ...string[]] }[] = [
  { name: 'uncompressed' },
  { name: 'RLE', encode: ['dcmcrle'] },
  { name: 'JPEG Lossless', encode: ['dcmcjpeg', '+e1'] },
  { name: 'JPEG-LS', encode: ['dcmcjpls', '+el'] },
  { name: 'JPEG 2000', encode: ['gdcmconv', '--j2k'] },
];

const PeerLine = z.object({
  plugin: z.string(),
  cpuSeconds: z.number(),
  pixels: z.number(),
  sum: z.number(),
});

const run = promisify(execFile);
const options = readOptions('read', HELP, {
  studies: { type: 'string', default: '1' },
  rounds: { type: 'string', default: '2' },
});
const rounds = wholeNumber('rounds', options.rounds);
const python = await pythonOf('requirements.txt');
const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
try {
  console.log(machineLine());
  const dataset = await phantoms(join(folder, 'phantom'), wholeNumber('studies', options.studies));
  const series = await seriesOf(join(dataset, 'train_images'));
  const figures = [];
  for (const { name, encode } of SYNTAXES) {
    const copies = join(folder, name.replaceAll(' ', '-'));
    say(`${name}: making copies`);
    await copiesOf(series, copies, encode);
    let own: Reading | undefined;
    const peers = new Map<string, Reading>();
    for (let round = 1; round <= rounds; round++) {
      say(`${name}: round ${round} of ${rounds}`);
      own = fastest(own, await measureOwn(copies));
      const { stdout } = await measured([python, beside('peer/read.py'), copies]);
      for (const line of stdout.trim().split('\n')) {
        const { plugin, ...reading } = PeerLine.parse(JSON.parse(line));
        peers.set(plugin, fastest(peers.get(plugin), reading));
      }
    }
    figures.push({ name, own: own!, peers: [...peers].map(([plugin, reading]) => ({ plugin, ...reading })) });
  }

  const megabytes = (one: Reading) => (one.pixels * BYTES_PER_PIXEL) / 1e6 / one.cpuSeconds;
  printTable(
    'bytes to normalised stacks on one core, MB of uncompressed pixels per CPU second',
    ['transfer syntax', 'reader', 'MB/s', "spineline's speed / its speed"],
    figures.flatMap(({ name, own, peers }) => [
      [name, 'spineline', figure(megabytes(own)), '1.00'],
      ...peers.map((peer) => [
        name,
        peer.plugin === 'numpy' ? 'pydicom' : `pydicom, ${peer.plugin}`,
        figure(megabytes(peer)),
        (peer.cpuSeconds / own.cpuSeconds).toFixed(2),
      ]),
    ]),
  );
  for (const { name, own, peers } of figures) {
    for (const peer of peers) {
      const apart = Math.abs(peer.sum - own.sum) / own.pixels;
      if (peer.pixels !== own.pixels || apart > TOLERANCE) {
        throw new Error(`${name}: the stacks of ${peer.plugin} have another mean, by ${apart}`);
      }
    }
  }
  await writeJson(options.json, 'read', { studies: Number(options.studies), bytesPerPixel: BYTES_PER_PIXEL, figures });
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Reading {
  /** CPU seconds of the fastest pass. */
  readonly cpuSeconds: number;
  readonly pixels: number;
  /** The sum of all normalised pixels, to compare the stacks of two readers. */
  readonly sum: number;
}

function fastest(one: Reading | undefined, other: Reading): Reading {
  return one && one.cpuSeconds < other.cpuSeconds ? one : other;
}

/** The paths of the files of each series below a folder STUDY/SERIES/FILE. */
async function seriesOf(images: string): Promise<string[][]> {
  const found: string[][] = [];
  for (const study of await readdir(images)) {
    for (const one of await readdir(join(images, study))) {
      const files = await readdir(join(images, study, one));
      found.push(files.sort().map((file) => join(images, study, one, file)));
    }
  }
  return found;
}

/** Copies of all series in one transfer syntax: FOLDER/number of the series/number of the file. */
async function copiesOf(
  series: readonly (readonly string[])[],
  copies: string,
  encode: readonly [string, ...string[]] | undefined,
): Promise<void> {
  const limit = pLimit(availableParallelism());
  for (const [s, files] of series.entries()) {
    const to = join(copies, String(s).padStart(3, '0'));
    await mkdir(to, { recursive: true });
    await Promise.all(
      files.map((file, f) =>
        limit(async () => {
          const copy = join(to, `${String(f).padStart(4, '0')}.dcm`);
          if (!encode) return copyFile(file, copy);
          const [program, ...parameters] = encode;
          return run(program, [...parameters, file, copy]);
        }),
      ),
    );
  }
}

async function measureOwn(copies: string): Promise<Reading> {
  const series: Uint8Array[][] = [];
  for (const one of (await readdir(copies)).sort()) {
    const files = (await readdir(join(copies, one))).sort();
    series.push(await Promise.all(files.map((file) => readFile(join(copies, one, file)))));
  }
  let least: Reading | undefined;
  for (let pass = 0; pass < PASSES; pass++) {
    let [cpuSeconds, pixels, sum] = [0, 0, 0];
    for (const files of series) {
      const begun = process.cpuUsage();
      const images = await normalised(files);
      const { user, system } = process.cpuUsage(begun);
      cpuSeconds += (user + system) / 1e6;
      for (const image of images) {
        pixels += image.length;
        sum = image.reduce((a, b) => a + b, sum);
      }
    }
    least = fastest(least, { cpuSeconds, pixels, sum });
  }
  return least!;
}

/** Bytes of the files of one series -> one image per file in [0, 1], scaled between percentiles of all together. */
async function normalised(files: readonly Uint8Array[]): Promise<Float32Array[]> {
  const images: Float32Array[] = [];
  for (const bytes of files) images.push((await openImage(bytes).frame(0)).values);
  const { low, high } = percentiles(images, 1, 99);
  for (const image of images) normaliseInPlace(image, low, high);
  return images;
}
