/** The DICOMDIR of a medium of the export: patients, their studies, series and objects (PS3.3 F.5). */

import type { DicomDataset } from '../dicom-writer.ts';
import { PHANTOM_NOTICE } from '../notice.ts';
import { type DirectoryRecord, writeDicomdir } from './dicomdir.ts';
import type { WrittenImage } from './expectations.ts';
import type { LayoutName } from './layouts.ts';
import type { ExportedStudy } from './write-study.ts';

/** Record types of objects that are no images: PS3.3 F.4. */
const RECORD_TYPES: Readonly<Record<string, string>> = { SR: 'SR DOCUMENT', PR: 'PRESENTATION' };

/** @param studies the studies on the medium; paths of their images begin with the medium's folder. */
export function mediumDirectory(medium: LayoutName, studies: readonly ExportedStudy[]): Buffer {
  const patients = groupedBy(studies, ({ expectation }) => expectation.patientId);
  const roots = patients.map(([first, ...others]): DirectoryRecord => ({
    attributes: {
      DirectoryRecordType: 'PATIENT',
      PatientName: 'Phantom^Synthetic',
      PatientID: first!.expectation.patientId,
    },
    below: [first!, ...others].map(studyRecord),
  }));
  return writeDicomdir(medium.toUpperCase().replace('-', '_'), roots);
}

function studyRecord({ expectation, date, images }: ExportedStudy): DirectoryRecord {
  return {
    attributes: {
      DirectoryRecordType: 'STUDY',
      StudyDate: date,
      StudyTime: '120000',
      StudyDescription: '',
      StudyInstanceUID: expectation.studyInstanceUid,
      StudyID: '1',
      AccessionNumber: '',
    },
    below: groupedBy(images, ({ series }) => series.uid).map((series) => ({
      attributes: {
        DirectoryRecordType: 'SERIES',
        Modality: series[0]!.modality,
        SeriesInstanceUID: series[0]!.series.uid,
        SeriesNumber: series[0]!.series.number,
      },
      below: series.map((image) => ({ attributes: objectRecord(image), below: [] })),
    })),
  };
}

function objectRecord(image: WrittenImage): DicomDataset {
  const type = RECORD_TYPES[image.modality] ?? 'IMAGE';
  return {
    DirectoryRecordType: type,
    ReferencedFileID: image.path.split('/').slice(1),
    ReferencedSOPClassUIDInFile: image.sopClassUid,
    ReferencedSOPInstanceUIDInFile: image.sopInstanceUid,
    ReferencedTransferSyntaxUIDInFile: image.transferSyntaxUid,
    InstanceNumber: image.instance,
    ...(type === 'IMAGE' && { ImageComments: PHANTOM_NOTICE }),
    ...(type === 'SR DOCUMENT' && {
      CompletionFlag: 'COMPLETE',
      VerificationFlag: 'UNVERIFIED',
      ContentDate: '20000101',
      ContentTime: '122000',
      ConceptNameCodeSequence: [
        { CodeValue: '113701', CodingSchemeDesignator: 'DCM', CodeMeaning: 'X-Ray Radiation Dose Report' },
      ],
    }),
    ...(type === 'PRESENTATION' && {
      PresentationCreationDate: '20000101',
      PresentationCreationTime: '122500',
      ContentLabel: 'MARKS',
      ContentDescription: '',
      ContentCreatorName: '',
      ReferencedSeriesSequence: [],
    }),
  };
}

function groupedBy<T>(things: readonly T[], keyOf: (thing: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const thing of things) groups.set(keyOf(thing), [...(groups.get(keyOf(thing)) ?? []), thing]);
  return [...groups.values()];
}
