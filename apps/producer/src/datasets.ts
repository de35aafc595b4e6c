/** Opens a dataset for a command: with folders to exclude, progress of the scan, and a summary of what is read. */

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Settings } from '@spineline/shared/config';
import {
  type Dataset,
  openDataset,
  type ScanReport,
  SKIP_REASONS,
  type SkippedCounts,
} from '@spineline/shared/dataset';
import { KINDS, SERIES_DESCRIPTIONS, counted } from '@spineline/shared/domain';
import { REJECTIONS, type Rejection } from '@spineline/shared/series';
import type { SourceReader } from '@spineline/shared/sources';
import { scanProgress } from './terminal/scan-progress.ts';
import { err } from './terminal/style.ts';

export interface OpenOptions {
  readonly split?: 'test' | 'train' | undefined;
  /** Folders and store URLs of this command. They are not part of the dataset, even if they are inside its folder. */
  readonly own?: readonly (string | undefined)[] | undefined;
  /** Also read the headers of images that a manifest or labels describe. */
  readonly headers?: boolean | undefined;
}

/** Opens a dataset, with a progress bar while headers are read. @throws {DatasetError} as `openDataset`. */
export async function openDatasetOf(
  path: string,
  { sources, settings }: { readonly sources: SourceReader; readonly settings: Settings },
  { split, own = [], headers }: OpenOptions = {},
): Promise<Dataset> {
  const view = scanProgress();
  try {
    return await openDataset(path, sources, {
      split,
      headers,
      excluded: [...own, settings.storeUrl].flatMap((one) => (one === undefined ? [] : [placeOf(one)])),
      idKey: settings.idKey,
      onScan: (progress) => view.update(progress),
    });
  } finally {
    view.stop();
  }
}

function placeOf(pathOrUrl: string): string {
  if (/^file:\/\//i.test(pathOrUrl)) return fileURLToPath(pathOrUrl);
  if (/^s3:\/\//i.test(pathOrUrl)) return pathOrUrl.endsWith('/') ? pathOrUrl : `${pathOrUrl}/`;
  return resolve(pathOrUrl);
}

/**
 * Prints on standard error what is read and what is not. Call it for a scanned dataset before its studies are read, and
 * for any other dataset afterwards, when its counts are complete.
 *
 * @param from `server` for a DICOMweb server, which has no folders.
 */
export function printDatasetSummary(dataset: Dataset, from: 'files' | 'server' = 'files'): void {
  for (const line of summaryOf(dataset, from)) console.error(line);
}

/** The lines of the summary; none for a dataset that is as described. */
function summaryOf(dataset: Dataset, from: 'files' | 'server'): string[] {
  const lines: string[] = [];
  const { scan } = dataset;
  if (scan) lines.push(...scanLines(scan));
  const skipped = skippedText(dataset.skipped());
  if (skipped !== '') lines.push(err.faint(`left out   ${skipped}`));
  if (scan && scan.lost.length > 0) lines.push(err.warn(`damaged    ${scan.lost.join(', ')}${lostMore(scan)}`));
  if (scan) lines.push(...remarks(scan, from));
  for (const note of dataset.notes) lines.push(err.faint(note));
  return lines;
}

function scanLines({ studies, files, kept, rejected }: ScanReport): string[] {
  const lines = [`${counted(studies, 'study', 'studies')} found in ${counted(files, 'file')}`];
  for (const kind of [...KINDS, 'several'] as const) {
    const count = kept[kind];
    if (!count) continue;
    const name = kind === 'several' ? 'several kinds in one file' : SERIES_DESCRIPTIONS[kind];
    lines.push(`read       ${name}: ${counted(count.series, 'series', 'series')}, ${counted(count.images, 'file')}`);
  }
  for (const [rejection, count] of Object.entries(rejected)) {
    const words = REJECTIONS[rejection as Rejection];
    lines.push(`not read   ${words}: ${counted(count.series, 'series', 'series')}, ${counted(count.images, 'file')}`);
  }
  return lines;
}

function skippedText(skipped: SkippedCounts): string {
  return Object.entries(skipped)
    .map(([reason, count]) => {
      const [one, many] = SKIP_REASONS[reason as keyof SkippedCounts];
      return counted(count, one, many);
    })
    .join(', ');
}

function lostMore({ lost, skipped }: ScanReport): string {
  return (skipped.damaged ?? 0) + (skipped.unreadable ?? 0) > lost.length ? ', ...' : '';
}

const NAMED = 5;

function remarks({ studies, withoutSeries, ids }: ScanReport, from: 'files' | 'server'): string[] {
  const lines: string[] = [];
  if (withoutSeries.length > 0) {
    const names = `${withoutSeries.slice(0, NAMED).join(', ')}${withoutSeries.length > NAMED ? ', ...' : ''}`;
    const count = counted(withoutSeries.length, 'study has', 'studies have');
    lines.push(err.warn(`${count} no series that is scored and will fail: ${names}`));
  }
  if (ids.from === 'pseudonyms') {
    const why = [
      ids.split > 0 && `${counted(ids.split, 'study is', 'studies are')} in several folders`,
      ids.shared > 0 && `${counted(ids.shared, 'folder holds', 'folders hold')} several studies`,
    ].filter(Boolean);
    const because = why.length > 0 ? `: ${why.join(', ')}` : from === 'files' ? ` ${namesUnfit(studies)}` : '';
    const source = from === 'files' ? 'SOURCE' : '--from URL --query QUERY';
    lines.push(
      err.faint(
        `ids of studies are pseudonyms of their UIDs${because}; ` +
          `spineline manifest ${source} --out FILE --map WHO.csv writes which id belongs to which UID`,
      ),
    );
  }
  return lines;
}

/** Why folders give no ids although each study has its own folder. A single study may also be in the root folder. */
function namesUnfit(studies: number): string {
  const kinds = '(a UID, spaces, other letters)';
  return studies === 1
    ? `because its folder has a name that cannot be an id ${kinds}, or it is in no folder`
    : `because some study folders have names that cannot be ids ${kinds}`;
}
