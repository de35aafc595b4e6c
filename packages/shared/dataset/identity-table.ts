/** Which ids stand for which UIDs, as a CSV for the person who may see it: the one place where both stand together. */

import { stringify } from 'csv-stringify/sync';
import type { Identity } from './scan/scanned-dataset.ts';

/** The table, one series a row. Cells that a spreadsheet would take for formulas are defused. */
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
