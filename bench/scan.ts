/**
 * Measures the header scan: seconds, CPU seconds, bytes read and peak memory of `spineline manifest` over a folder with
 * very many small DICOM files, at growing sizes, and their ratios. The files have the header of a scanner, with private
 * elements. They have few pixels, because the scan does not read pixels.
 *
 *   npm run bench:scan -- [--sizes 10000,100000] [--flat]
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type DicomDataset, writeDicom } from '@spineline/phantom/dicom-writer';

/** Limit for 100,000 files on two cores. */
const LIMIT = { files: 100_000, seconds: 60 };
const SLICES = 25;
const SERIES = [
  { description: 'T2 TSE SAG', te: 105, tr: 3500, plane: [0, 1, 0, 0, 0, -1], step: [4, 0, 0] },
  { description: 'T1 TSE SAG', te: 11, tr: 560, plane: [0, 1, 0, 0, 0, -1], step: [4, 0, 0] },
  { description: 'T2 TSE AX', te: 105, tr: 3500, plane: [1, 0, 0, 0, 1, 0], step: [0, 0, 4] },
  { description: 'LOCALIZER', te: 4, tr: 9, plane: [1, 0, 0, 0, 0, -1], step: [0, 4, 0] },
];
const PRIVATE_ELEMENTS = 150;

const PRIVATE = Buffer.concat(
  Array.from({ length: PRIVATE_ELEMENTS }, (_, i) => {
    const value =
      i === 0 ? Buffer.from('SPINELINE BENCH ') : createHash('sha256').update(String(i)).digest().subarray(0, 20);
    const head = Buffer.alloc(8);
    head.writeUInt16LE(0x0019, 0);
    head.writeUInt16LE(i === 0 ? 0x10 : 0x1000 + i, 2);
    head.write('LO', 4, 'latin1');
    head.writeUInt16LE(value.length, 6);
    return Buffer.concat([head, value]);
  }),
);

interface Usage {
  readonly files: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly megabytes: number;
  readonly bytesRead: number;
  readonly bytesThere: number;
}

const { values } = parseArgs({
  options: { sizes: { type: 'string', default: '10000,100000' }, flat: { type: 'boolean', default: false } },
});
const sizes = values.sizes.split(',').map(Number);
if (sizes.some((size) => !Number.isInteger(size) || size < 1)) throw new Error(`--sizes ${values.sizes}`);

console.log(`${cpus()[0]?.model ?? 'CPU'}, ${availableParallelism()} cores, files in the page cache`);
const usages: Usage[] = [];
for (const size of sizes) {
  const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
  try {
    const bytesThere = makeFiles(join(folder, 'images'), size);
    usages.push(await measure(folder, size, bytesThere));
    print(usages.at(-1)!);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
const largest = usages.at(-1)!;
const within = largest.seconds <= (LIMIT.seconds * Math.max(largest.files, LIMIT.files)) / LIMIT.files;
console.log(
  `promised for ${LIMIT.files} files on two cores: ${LIMIT.seconds} s; at ${largest.files}: ${within ? 'within' : 'MISSED'}`,
);
process.exitCode = within ? 0 : 1;

/** @returns the total size in bytes. */
function makeFiles(root: string, count: number): number {
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const slice = i % SLICES;
    const number = Math.floor(i / SLICES);
    const [study, place] = [Math.floor(number / SERIES.length), number % SERIES.length];
    const file = withPrivateElements(
      writeDicom(attributesOf(study, place, slice), { transferSyntax: 'explicit_little' }),
    );
    const folder = values.flat ? root : join(root, `PA${study}`, 'ST0', `SE${place}`);
    if (slice === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, values.flat ? `IM${i}` : `MR${slice}`), file);
    bytes += file.length;
  }
  return bytes;

  function attributesOf(study: number, place: number, slice: number): DicomDataset {
    const { description, te, tr, plane, step } = SERIES[place]!;
    return {
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.4',
      SOPInstanceUID: `2.25.${study}.${place}.${slice + 1}`,
      StudyInstanceUID: `2.25.${study}.0`,
      SeriesInstanceUID: `2.25.${study}.${place}.0`,
      FrameOfReferenceUID: `2.25.${study}.9`,
      Modality: 'MR',
      ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'ND'],
      SeriesDescription: description,
      StudyDescription: 'MR LUMBAR SPINE',
      PatientID: `P${study}`,
      BodyPartExamined: 'LSPINE',
      ScanningSequence: 'SE',
      EchoTime: te,
      RepetitionTime: tr,
      SeriesNumber: place + 1,
      InstanceNumber: slice + 1,
      ImagePositionPatient: step.map((mm) => mm * slice),
      ImageOrientationPatient: plane,
      PixelSpacing: [0.7, 0.7],
      SamplesPerPixel: 1,
      PhotometricInterpretation: 'MONOCHROME2',
      Rows: 64,
      Columns: 64,
      BitsAllocated: 16,
      BitsStored: 12,
      HighBit: 11,
      PixelRepresentation: 0,
      PixelData: new Uint8Array(64 * 64 * 2),
    };
  }
}

/** Adds group 0019, as scanners do: about 4 KB that a reader must skip. */
function withPrivateElements(file: Buffer): Buffer {
  let at = 132;
  while (file.readUInt16LE(at) < 0x0020) {
    const long = ['OB', 'OW', 'SQ', 'UN', 'UT'].includes(file.toString('latin1', at + 4, at + 6));
    at += long ? 12 + file.readUInt32LE(at + 8) : 8 + file.readUInt16LE(at + 6);
  }
  return Buffer.concat([file.subarray(0, at), PRIVATE, file.subarray(at)]);
}

/** Runs the command in a separate process, which reports its use of time and memory at the end. */
async function measure(folder: string, files: number, bytesThere: number): Promise<Usage> {
  const program = fileURLToPath(new URL('../apps/producer/bin/spineline.js', import.meta.url));
  const usageFile = join(folder, 'usage.json');
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...['--import', new URL('./report-usage.mjs', import.meta.url).href, program],
      ...['manifest', join(folder, 'images'), '--out', join(folder, 'manifest.jsonl'), '--force', '--json'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, SPINELINE_TEST_USAGE_FILE: usageFile } },
  );
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`spineline manifest ended with ${code}`);
  const seconds = (performance.now() - started) / 1000;
  const { cpuSeconds, megabytes } = JSON.parse(await readFile(usageFile, 'utf8')) as Usage;
  const { bytesRead } = JSON.parse(stdout) as Usage;
  return { files, seconds, cpuSeconds, megabytes, bytesRead, bytesThere };
}

function print({ files, seconds, cpuSeconds, megabytes, bytesRead, bytesThere }: Usage): void {
  const first = usages[0]!;
  const ratio = usages.length === 1 ? '' : `  x${(seconds / first.seconds).toFixed(1)} for x${files / first.files}`;
  const read = `${(bytesRead / 1e6).toFixed(0)} of ${(bytesThere / 1e6).toFixed(0)} MB read`;
  console.log(
    `${String(files).padStart(8)} files  ${seconds.toFixed(1).padStart(6)} s  CPU ${cpuSeconds.toFixed(1).padStart(5)} s  ${megabytes.toFixed(0).padStart(4)} MB memory  ${read}${ratio}`,
  );
}
