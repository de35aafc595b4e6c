/** Objects of an export that are no MR images: captures, scanned paper, reports, presentation states. */

import type { DicomDataset } from '../dicom-writer.ts';
import { uid } from '../identifiers.ts';
import type { StudyPlan } from '../study-plan.ts';

const SIZE = 64;

/** Attributes of the patient and the study, which every object has (PS3.3 C.7.1, C.7.2). */
function patient(plan: StudyPlan): DicomDataset {
  return {
    SpecificCharacterSet: 'ISO_IR 100',
    AccessionNumber: '',
    ReferringPhysicianName: '',
    StudyTime: '120000',
    SeriesTime: '121500',
    PatientName: 'Phantom^Synthetic',
    PatientID: plan.id,
    PatientBirthDate: '',
    PatientSex: 'O',
    StudyID: '1',
    BodyPartExamined: undefined,
  };
}

/** A colour screen capture (Secondary Capture Image, PS3.3 A.8.1): bars in red, green and blue. */
export function screenCapture(plan: StudyPlan): DicomDataset {
  const pixels = new Uint8Array(3 * SIZE * SIZE);
  for (let index = 0; index < SIZE * SIZE; index++)
    pixels[3 * index + (Math.floor(index / 8) % 3)] = 40 + (index % 200);
  return {
    ...capture(plan),
    SamplesPerPixel: 3,
    PhotometricInterpretation: 'RGB',
    PlanarConfiguration: 0,
    PixelData: pixels,
  };
}

/** A scanned sheet of paper: grey, in 8 bits. */
export function scannedPaper(plan: StudyPlan): DicomDataset {
  const pixels = Uint8Array.from({ length: SIZE * SIZE }, (_, index) => (Math.floor(index / SIZE) % 6 < 2 ? 30 : 235));
  return { ...capture(plan), SamplesPerPixel: 1, PhotometricInterpretation: 'MONOCHROME2', PixelData: pixels };
}

function capture(plan: StudyPlan): DicomDataset {
  return {
    ...patient(plan),
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.7',
    ImageType: ['DERIVED', 'SECONDARY'],
    Modality: 'OT',
    ConversionType: 'WSD',
    Rows: SIZE,
    Columns: SIZE,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
  };
}

/** A report with one sentence: Basic Text SR, or X-Ray Radiation Dose SR (PS3.3 A.35.1, A.35.8). */
export function report(plan: StudyPlan, dose: boolean): DicomDataset {
  const title = dose ? ['113701', 'X-Ray Radiation Dose Report'] : ['121071', 'Finding'];
  const code = (value: string, meaning: string) => ({
    CodeValue: value,
    CodingSchemeDesignator: 'DCM',
    CodeMeaning: meaning,
  });
  return {
    ...patient(plan),
    SOPClassUID: dose ? '1.2.840.10008.5.1.4.1.1.88.67' : '1.2.840.10008.5.1.4.1.1.88.11',
    Modality: 'SR',
    ContentDate: '20000101',
    ContentTime: '122000',
    ReferencedPerformedProcedureStepSequence: [],
    ValueType: 'CONTAINER',
    ConceptNameCodeSequence: [code(title[0]!, title[1]!)],
    ContinuityOfContent: 'SEPARATE',
    PerformedProcedureCodeSequence: [],
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED',
    ContentSequence: [
      {
        RelationshipType: 'CONTAINS',
        ValueType: 'TEXT',
        ConceptNameCodeSequence: [code('121106', 'Comment')],
        TextValue: 'Synthetic, made by a program. No person was scanned.',
      },
    ],
  };
}

/** A Grayscale Softcopy Presentation State (PS3.3 A.33.1) of an image that is not in the export. */
export function presentationState(plan: StudyPlan): DicomDataset {
  const image = {
    ReferencedSOPClassUID: '1.2.840.10008.5.1.4.1.1.4',
    ReferencedSOPInstanceUID: uid(plan.uid, 'shown'),
  };
  return {
    ...patient(plan),
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.11.1',
    Modality: 'PR',
    ReferencedSeriesSequence: [{ SeriesInstanceUID: uid(plan.uid, 'shown series'), ReferencedImageSequence: [image] }],
    ContentLabel: 'MARKS',
    ContentDescription: '',
    PresentationCreationDate: '20000101',
    PresentationCreationTime: '122500',
    ContentCreatorName: '',
    DisplayedAreaSelectionSequence: [
      {
        ReferencedImageSequence: [image],
        DisplayedAreaTopLeftHandCorner: [1, 1],
        DisplayedAreaBottomRightHandCorner: [SIZE, SIZE],
        PresentationSizeMode: 'SCALE TO FIT',
        PresentationPixelAspectRatio: [1, 1],
      },
    ],
    PresentationLUTShape: 'IDENTITY',
  };
}
