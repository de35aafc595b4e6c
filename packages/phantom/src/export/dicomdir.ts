/**
 * Writes a DICOMDIR: the directory of a medium (PS3.3 F, PS3.10 8). Records are linked by byte offsets in the file. So
 * the offsets are computed first, with zeros in their place, and then the file is written.
 */

import { type DicomDataset, datasetLength, writeDicom } from '../dicom-writer.ts';
import { uid } from '../identifiers.ts';

const MEDIA_STORAGE_DIRECTORY = '1.2.840.10008.1.3.10';

/** A record and the records below it, such as the studies of a patient. */
export interface DirectoryRecord {
  readonly attributes: DicomDataset;
  readonly below: readonly DirectoryRecord[];
}

/** @param roots the records of the patients. */
export function writeDicomdir(fileSetId: string, roots: readonly DirectoryRecord[]): Buffer {
  const records = flat(roots);
  const offsets = offsetsOf(
    records.map((record) => itemOf(record, 0, 0)),
    fileSetId,
  );
  const offsetOf = (record: DirectoryRecord | undefined) => (record ? offsets[records.indexOf(record)]! : 0);
  const next = new Map<DirectoryRecord, DirectoryRecord>();
  for (const siblings of [roots, ...records.map(({ below }) => below)]) {
    for (const [at, record] of siblings.entries()) if (siblings[at + 1]) next.set(record, siblings[at + 1]!);
  }
  const items = records.map((record) => itemOf(record, offsetOf(next.get(record)), offsetOf(record.below[0])));
  return bytesOf(fileSetId, items, offsetOf(roots[0]), offsetOf(roots.at(-1)));
}

/** All records in order: each before those below it. */
function flat(records: readonly DirectoryRecord[]): DirectoryRecord[] {
  return records.flatMap((record) => [record, ...flat(record.below)]);
}

function itemOf({ attributes }: DirectoryRecord, next: number, below: number): DicomDataset {
  return {
    OffsetOfTheNextDirectoryRecord: next,
    RecordInUseFlag: 0xffff,
    OffsetOfReferencedLowerLevelDirectoryEntity: below,
    ...attributes,
  };
}

function bytesOf(fileSetId: string, items: readonly DicomDataset[], first: number, last: number): Buffer {
  const dataset: DicomDataset = {
    FileSetID: fileSetId,
    OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity: first,
    OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity: last,
    FileSetConsistencyFlag: 0,
    DirectoryRecordSequence: items,
  };
  const meta = { sopClassUid: MEDIA_STORAGE_DIRECTORY, sopInstanceUid: uid('dicomdir', fileSetId) };
  return writeDicom(dataset, { transferSyntax: 'explicit_little', meta });
}

/** The offset of each item from the start of the file. */
function offsetsOf(items: readonly DicomDataset[], fileSetId: string): number[] {
  // The sequence is the last element, so its items end at the end of the file.
  const lengths = items.map((item) => 8 + datasetLength(item, 'explicit_little'));
  const total = bytesOf(fileSetId, items, 0, 0).length;
  let at = total - lengths.reduce((sum, length) => sum + length, 0);
  return lengths.map((length) => {
    const start = at;
    at += length;
    return start;
  });
}
