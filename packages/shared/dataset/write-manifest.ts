/**
 * Writes a dataset as a manifest that a person can read and change: which files are read as which series and why, and
 * which are not. `manifest-jsonl.ts` reads the same entries from it.
 */

import { fileURLToPath } from 'node:url';
import { type Kind, SERIES_DESCRIPTIONS } from '../domain/index.ts';
import type { Dataset } from './dataset.ts';
import type { StudyScan } from './scan/scanned-dataset.ts';
import type { StudyEntry } from './study-entry.ts';

/** The lines of the manifest, with line ends. They contain no free text of headers, and UIDs only in locations. */
export async function* manifestLines(dataset: Pick<Dataset, 'studies' | 'scanOf'>): AsyncGenerator<string> {
  for await (const entry of dataset.studies()) {
    yield `${JSON.stringify(lineOf(entry, dataset.scanOf(entry.study)))}\n`;
  }
}

function lineOf({ study, series, rejected, problems }: StudyEntry, scan: StudyScan | undefined) {
  return {
    study,
    series: series.map(({ series: id, description, trust, instances, reasons, problems: ofSeries }) => ({
      series: id,
      description: description ?? descriptionOf(scan?.kinds.get(id)),
      // If both are equal, the description comes from the headers. A person who changes the description can ignore
      // `inferred`.
      inferred: description === undefined ? descriptionOf(scan?.kinds.get(id)) : undefined,
      trust,
      files: instances.map(({ location }) => written(location)),
      reasons,
      problems: ofSeries,
    })),
    rejected: rejected?.map(({ series: id, rejection, reason, kind }) => ({
      series: id,
      description: descriptionOf(kind),
      rejection,
      reason,
      files: (scan?.rejected.get(id) ?? []).map(written),
    })),
    problems,
  };
}

function descriptionOf(kind: Kind | undefined): string | undefined {
  return kind && SERIES_DESCRIPTIONS[kind];
}

/** Local files as plain paths, which are easier to read. */
function written(location: string): string {
  return location.startsWith('file:') ? fileURLToPath(location) : location;
}
