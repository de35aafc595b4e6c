/** A CSV that shows which ids stand for which UIDs. It identifies patients; no other output has both together. */

import { stringify } from 'csv-stringify/sync';
import type { Identity } from './scan/scanned-dataset.ts';

/** The table, one row per series. Cells that a spreadsheet would read as formulas are escaped. */
export function identityTable(identities: Iterable<Identity>): string {
  const rows = [...identities].map(({ study, series, studyUid, seriesUid, folders, seriesDescription, rejection }) => ({
    study_id: study,
    series_id: series,
    study_instance_uid: studyUid,
    series_instance_uid: seriesUid,
    folder: folders.join('; '),
    series_description: seriesDescription,
    rejection,
  }));
  return stringify(rows, {
    header: true,
    columns: [
      'study_id',
      'series_id',
      'study_instance_uid',
      'series_instance_uid',
      'folder',
      'series_description',
      'rejection',
    ],
    escape_formulas: true,
  });
}
