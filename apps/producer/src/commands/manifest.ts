/**
 * `spineline manifest`: writes which images a dataset has and how they will be read, as a file that people can change.
 */

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
    .description('read the headers of a dataset and write a manifest: which images belong to which series and study')
    .argument('[source]', 'a folder of any layout, file:///folder, or s3://bucket/prefix/')
    .requiredOption('-o, --out <file>', 'manifest to write: *.jsonl or *.ndjson, optionally with .gz or .zst')
    .option('--from <url>', 'query a DICOMweb server instead: dicomweb+https://host/path')
    .option('--query <query>', 'with --from (required): which studies, in the syntax of QIDO-RS')
    .option('--map <file>', 'also write a CSV with the UIDs of each id; only you can read it (mode 0600)')
    .option('--split <half>', 'test or train half of a challenge folder (default: test where there is one)')
    .option('--force', 'replace files that exist: a manifest that you have changed is lost')
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      `
Finds images by their content, whatever the names of files and folders are, and groups them by their UIDs. The headers
of each series decide its kind: sagittal T2/STIR, sagittal T1, axial T2, or none of them with a reason. No pixel is
read. score and enqueue do the same for a folder. With a manifest you can check the result first, and overrule it:

  "series"     what will be read: "description" is the kind, "reasons" say why
  "rejected"   what will not be read. To read it nevertheless, move the object to "series", and give it a "description"
               (Sagittal T2/STIR, Sagittal T1 or Axial T2) and "trust": "description". Its header is then ignored,
               except that images must be MR and not in colour

Ids are the names of folders if every study has one folder and every folder one study; otherwise they are pseudonyms
made from the UIDs, with the secret SPINELINE_ID_KEY if it is set. A study without any series that is scored stays in
the manifest; it will fail and say why. The manifest holds no name, no text and no UID of a header, except in file
names and DICOMweb locations.

Examples:
  spineline manifest /data/export --out tonight.jsonl
  spineline manifest s3://scans/2026-11/ --out tonight.jsonl.zst --map who-is-who.csv
  spineline manifest --from dicomweb+https://pacs.example.org/dicom-web \\
      --query "StudyDate=20261101-20261127&ModalitiesInStudy=MR" --out tonight.jsonl
  spineline score tonight.jsonl --out out

docs/manifests.md describes manifests, docs/dicomweb.md DICOMweb servers and their credentials.

Exit codes:
  0  the manifest is written
  1  an unexpected error, or a server that did not answer: run it again
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
        console.error(err.warn(`${options.map} links ids to UIDs and so to patients: keep it confidential`));
    }
  } finally {
    await sources.close();
  }
}

function checkOptions(source: string | undefined, { from, query, out }: ManifestOptions): void {
  if ((source === undefined) === (from === undefined)) {
    throw new ConfigError('exactly one source is needed', {
      expected: 'a folder or s3:// prefix, or --from URL --query QUERY',
    });
  }
  if ((from === undefined) !== (query === undefined)) {
    throw new ConfigError('--from and --query must be used together', {
      expected: '--from dicomweb+https://host/path --query "StudyDate=20261101-&ModalitiesInStudy=MR"',
    });
  }
  if (!/\.(jsonl|ndjson)(\.gz|\.zst)?$/i.test(out)) {
    throw new ConfigError('the name of a manifest must say its format', {
      expected: '--out *.jsonl or *.ndjson, optionally with .gz or .zst',
    });
  }
  if (source !== undefined && /\.(jsonl|ndjson|csv)(\.gz|\.zst)?$/i.test(source)) {
    throw new ConfigError('the source is already a manifest', {
      file: basename(source),
      expected: 'a folder or s3:// prefix',
    });
  }
}

/** Checks before the scan, which may take an hour, that the folder exists and that no file would be overwritten. */
function checkPlace(file: string, { force }: ManifestOptions): void {
  const folder = dirname(file);
  if (!existsSync(folder)) {
    throw new ConfigError(`the folder ${folder} does not exist`, { file: basename(file), hint: 'create it first' });
  }
  if (!force && existsSync(file)) {
    throw new ConfigError('this file exists, and may have been edited by hand', {
      file: basename(file),
      hint: 'name another file, or replace this one with --force',
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

/** Writes a temporary file and renames it, so that readers see the whole new file or the old one. */
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
    throw new ConfigError('the file cannot be written', { file: basename(path), found: code }, { cause });
  }
}

function reportOf({ scan, notes, studyCount, skipped }: Dataset, { out, map }: ManifestOptions, seconds: number) {
  return { studies: studyCount, ...scan, skipped: skipped(), notes, out, map, seconds: Math.round(seconds * 10) / 10 };
}
