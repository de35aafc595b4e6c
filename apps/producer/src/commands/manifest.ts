/** `spineline manifest`: what there is to score, written down so that a person can read and change it. */

import { randomUUID } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { readSettings, type Settings } from '@spineline/shared/config';
import { type Dataset, identityTable, manifestLines, openDicomWebDataset } from '@spineline/shared/dataset';
import { ConfigError, counted } from '@spineline/shared/domain';
import { openDicomWeb, openSources } from '@spineline/shared/sources';
import type { Command } from 'commander';
import { openDatasetOf, printDatasetSummary } from '../datasets.ts';
import { scanProgress } from '../terminal/scan-progress.ts';
import { err } from '../terminal/style.ts';

interface ManifestOptions {
  readonly out: string;
  readonly from?: string;
  readonly query?: string;
  readonly map?: string;
  readonly split?: 'test' | 'train';
  readonly force?: boolean;
  readonly json?: boolean;
}

export function addManifest(program: Command): void {
  program
    .command('manifest')
    .description('read the headers of a dataset and write down which images are which series of which study')
    .argument('[source]', 'a folder of any layout, file:///folder, or s3://bucket/prefix/')
    .requiredOption('-o, --out <file>', 'manifest to write: *.jsonl or *.ndjson, also with .gz or .zst')
    .option('--from <url>', 'ask a DICOMweb server instead: dicomweb+https://host/path')
    .option('--query <query>', 'with --from: which studies, as QIDO-RS has it; required there')
    .option('--map <file>', 'also write a CSV of which id stands for which UIDs; only you can read it (mode 0600)')
    .option('--split <half>', 'test or train half of a challenge folder (default: test where there is one)')
    .option('--force', 'replace files that exist: a manifest that you have changed is lost')
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      `
Images are found by their content, whatever files and folders are called, and put together by their UIDs. Each series is
judged by its headers: sagittal T2/STIR, sagittal T1, axial T2, or why it is none of them. No pixel is read.
score and enqueue do the same when they are given a folder; with a manifest you can look first, and overrule:

  "series"     what will be read: "description" is the kind, "reasons" say why
  "rejected"   what will not: move an object from here to "series", give it a "description" (Sagittal T2/STIR,
               Sagittal T1 or Axial T2) and "trust": "description", and it is read as that, whatever its header says,
               unless it is not MR or is in colour

Ids are the folders' names where folders and UIDs agree one to one; else pseudonyms made of the UIDs, with the secret
SPINELINE_ID_KEY where it is set. A study without any series that is scored stays in the manifest, and fails with the
reasons. The manifest holds no name, no text and no UID of a header, except in file names and DICOMweb locations.

Examples:
  spineline manifest /data/export --out tonight.jsonl
  spineline manifest s3://scans/2026-11/ --out tonight.jsonl.zst --map who-is-who.csv
  spineline manifest --from dicomweb+https://pacs.example.org/dicom-web \\
      --query "StudyDate=20261101-20261127&ModalitiesInStudy=MR" --out tonight.jsonl
  spineline score tonight.jsonl --out out

docs/manifests.md describes manifests, docs/dicomweb.md servers and their credentials.

Exit codes:
  0  the manifest is written
  1  a fault that nobody foresaw, or a server that did not answer: run it again
  2  the command line, settings or source cannot be used, or a file exists (--force replaces it); nothing was written`,
    )
    .action(async (source: string | undefined, options: ManifestOptions) => {
      await writeManifest(source, options);
    });
}

async function writeManifest(source: string | undefined, options: ManifestOptions): Promise<void> {
  checkOptions(source, options);
  for (const file of [options.out, options.map]) if (file !== undefined) checkPlace(file, options);
  const started = performance.now();
  const settings = readSettings();
  const sources = openSources({ s3: settings.s3, dicomweb: settings.dicomweb });
  try {
    const dataset = options.from
      ? await openServer(options.from, options.query!, settings)
      : await openDatasetOf(
          source!,
          { sources, settings },
          { split: options.split, headers: true, own: [options.out] },
        );
    await publish(options.out, manifestLines(dataset));
    if (options.map) await publish(options.map, [identityTable(dataset.identities())], 0o600);
    const seconds = (performance.now() - started) / 1000;
    if (options.json) console.log(JSON.stringify(reportOf(dataset, options, seconds)));
    else {
      printDatasetSummary(dataset, options.from ? 'server' : 'files');
      console.error(`${counted(dataset.studyCount, 'study', 'studies')} written to ${options.out}`);
      if (options.map)
        console.error(err.warn(`${options.map} says which id stands for which UIDs: keep it to yourself`));
    }
  } finally {
    await sources.close();
  }
}

function checkOptions(source: string | undefined, { from, query, out }: ManifestOptions): void {
  if ((source === undefined) === (from === undefined)) {
    throw new ConfigError('one source is needed', {
      expected: 'a folder or s3:// prefix, or --from URL --query QUERY',
    });
  }
  if ((from === undefined) !== (query === undefined)) {
    throw new ConfigError('--from and --query go together', {
      expected: '--from dicomweb+https://host/path --query "StudyDate=20261101-&ModalitiesInStudy=MR"',
    });
  }
  if (!/\.(jsonl|ndjson)(\.gz|\.zst)?$/i.test(out)) {
    throw new ConfigError('a manifest is known by its name', { expected: '--out *.jsonl, also with .gz or .zst' });
  }
  if (source !== undefined && /\.(jsonl|ndjson|csv)(\.gz|\.zst)?$/i.test(source)) {
    throw new ConfigError('this is a manifest already', {
      file: basename(source),
      expected: 'a folder or s3:// prefix',
    });
  }
}

/** Before the scan, which may take an hour: what is there is not overwritten, and there is a folder to write to. */
function checkPlace(file: string, { force }: ManifestOptions): void {
  const folder = dirname(file);
  if (!existsSync(folder)) {
    throw new ConfigError(`the folder ${folder} does not exist`, { file: basename(file), hint: 'create it first' });
  }
  if (!force && existsSync(file)) {
    throw new ConfigError('this file exists, and somebody may have changed it by hand', {
      file: basename(file),
      hint: 'name another file, or replace it with --force',
    });
  }
}

async function openServer(address: string, query: string, settings: Settings): Promise<Dataset> {
  const client = await openDicomWeb(settings.dicomweb);
  const view = scanProgress();
  try {
    return await openDicomWebDataset(client, address, query, {
      idKey: settings.idKey,
      onScan: (progress) => view.update(progress),
    });
  } finally {
    view.stop();
    client.close();
  }
}

/** Writes beside the file and renames: whoever reads it sees all of it or what was there before. */
async function publish(path: string, pieces: Iterable<string> | AsyncIterable<string>, mode = 0o666): Promise<void> {
  const temporary = join(dirname(resolve(path)), `.tmp-${randomUUID()}`);
  try {
    const file = createWriteStream(temporary, { mode, flush: true });
    const text = Readable.from(pieces, { objectMode: false });
    if (/\.gz$/i.test(path)) await pipeline(text, createGzip(), file);
    else if (/\.zst$/i.test(path)) await pipeline(text, createZstdCompress(), file);
    else await pipeline(text, file);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const code = (cause as NodeJS.ErrnoException).code;
    if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw cause;
    throw new ConfigError('cannot be written', { file: basename(path), found: code }, { cause });
  }
}

function reportOf({ scan, notes, studyCount, skipped }: Dataset, { out, map }: ManifestOptions, seconds: number) {
  return { studies: studyCount, ...scan, skipped: skipped(), notes, out, map, seconds: Math.round(seconds * 10) / 10 };
}
