/** The DICOM attributes of a phantom's images: single-frame MR (PS3.3 A.4) and enhanced multi-frame MR (A.36). */

import { SERIES_DESCRIPTIONS } from '@spineline/shared/domain';
import { normalOf, type Plane, type Stack } from './acquisition/stack.ts';
import { dot, fromFrame, turn, type Vector } from './anatomy/vector.ts';
import type { DicomDataset, DicomValue } from './dicom-writer.ts';
import { uid } from './identifiers.ts';
import { STORED_AS } from './stored-as.ts';
import { planeInFile, storedFormat } from './stored-series.ts';
import type { SeriesPlan, StudyPlan } from './study-plan.ts';

const MR_IMAGE = '1.2.840.10008.5.1.4.1.1.4';
const ENHANCED_MR_IMAGE = '1.2.840.10008.5.1.4.1.1.4.1';
const TIMES: Readonly<Record<Stack['sequence'], { tr: number; te: number; ti?: number }>> = {
  t2: { tr: 3500, te: 105 },
  stir: { tr: 4200, te: 48, ti: 160 },
  t1: { tr: 560, te: 11 },
};

/** One slice as a file of its own. */
export function sliceDataset(plan: StudyPlan, number: number, plane: Plane, pixels: DicomValue): DicomDataset {
  const series = plan.series[number]!;
  const { stack } = series;
  const times = TIMES[stack.sequence];
  const inFile = planeInFile(series, plane);
  return {
    ...commonAttributes(plan, number),
    SOPClassUID: MR_IMAGE,
    SOPInstanceUID: uid(series.uid, plane.instance),
    ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'SE'],
    ScanningSequence: times.ti ? ['SE', 'IR'] : 'SE',
    SequenceVariant: 'SK',
    ScanOptions: '',
    MRAcquisitionType: '2D',
    SliceThickness: stack.thicknessMm,
    RepetitionTime: times.tr,
    EchoTime: times.te,
    InversionTime: times.ti,
    MagneticFieldStrength: 1.5,
    SpacingBetweenSlices: Number(stack.spacingMm.toFixed(4)),
    EchoTrainLength: stack.sequence === 't1' ? 3 : 16,
    InPlanePhaseEncodingDirection: phaseDirection(series),
    InstanceNumber: plane.instance,
    SliceLocation: Number(dot(fromFrame(series.pose, inFile.origin), turn(series.pose, normalOf(inFile))).toFixed(4)),
    ...placement(series, plane),
    PixelSpacing: [...storedFormat(series).pixelSpacing],
    ...(series.encoding.rescale && {
      RescaleIntercept: series.encoding.rescale.intercept,
      RescaleSlope: series.encoding.rescale.slope,
      RescaleType: 'US',
    }),
    PixelData: pixels,
  };
}

/** A whole series as one file. `planes` are in the order of frames; the number of a frame is the plane's `instance`. */
export function multiFrameDataset(
  plan: StudyPlan,
  number: number,
  planes: readonly Plane[],
  pixels: DicomValue,
): DicomDataset {
  const series = plan.series[number]!;
  const { stack } = series;
  const { slope, intercept } = series.encoding.rescale ?? { slope: 1, intercept: 0 };
  const dimensions = uid(series.uid, 'dimensions');
  return {
    ...commonAttributes(plan, number),
    SOPClassUID: ENHANCED_MR_IMAGE,
    SOPInstanceUID: uid(series.uid, 1),
    ImageType: ['ORIGINAL', 'PRIMARY', stack.sequence === 't1' ? 'T1' : 'T2', 'NONE'],
    PixelPresentation: 'MONOCHROME',
    VolumetricProperties: 'VOLUME',
    VolumeBasedCalculationTechnique: 'NONE',
    InstanceNumber: 1,
    NumberOfFrames: planes.length,
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: dimensions }],
    DimensionIndexSequence: [{ DimensionOrganizationUID: dimensions, DimensionIndexPointer: '00209057' }],
    SharedFunctionalGroupsSequence: [
      {
        PixelMeasuresSequence: [
          {
            SliceThickness: stack.thicknessMm,
            SpacingBetweenSlices: Number(stack.spacingMm.toFixed(4)),
            PixelSpacing: [...storedFormat(series).pixelSpacing],
          },
        ],
        PixelValueTransformationSequence: [{ RescaleIntercept: intercept, RescaleSlope: slope, RescaleType: 'US' }],
      },
    ],
    PerFrameFunctionalGroupsSequence: planes.map((plane) => {
      const { ImagePositionPatient, ImageOrientationPatient } = placement(series, plane);
      return {
        FrameContentSequence: [
          { StackID: '1', InStackPositionNumber: plane.instance, DimensionIndexValues: plane.instance },
        ],
        PlanePositionSequence: [{ ImagePositionPatient }],
        PlaneOrientationSequence: [{ ImageOrientationPatient }],
      };
    }),
    PixelData: pixels,
  };
}

/**
 * The person is invented, and the name says so. Tests search for this name in places where no patient name may appear.
 */
function commonAttributes(plan: StudyPlan, number: number): DicomDataset {
  const series = plan.series[number]!;
  const { stack, padding } = series;
  const { rows, columns, bitsStored, signed } = storedFormat(series);
  return {
    SpecificCharacterSet: 'ISO_IR 100',
    StudyDate: '20000101',
    SeriesDate: '20000101',
    StudyTime: '120000',
    AccessionNumber: '',
    Modality: 'MR',
    Manufacturer: 'spineline phantom',
    ReferringPhysicianName: '',
    StudyDescription: 'Synthetic lumbar spine, not for clinical use',
    SeriesDescription: SERIES_DESCRIPTIONS[stack.kind],
    PatientName: 'Phantom^Synthetic',
    PatientID: plan.id,
    PatientBirthDate: '',
    PatientSex: 'O',
    BodyPartExamined: 'LSPINE',
    PatientPosition: 'HFS',
    StudyInstanceUID: plan.uid,
    SeriesInstanceUID: series.uid,
    StudyID: '1',
    SeriesNumber: number + 1,
    AcquisitionNumber: 1,
    FrameOfReferenceUID: series.frameUid,
    PositionReferenceIndicator: '',
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: rows,
    Columns: columns,
    BitsAllocated: 16,
    BitsStored: bitsStored,
    HighBit: bitsStored - 1,
    PixelRepresentation: signed ? 1 : 0,
    ...(padding &&
      padding.declared !== false && {
        PixelPaddingValue: padding.value,
        PixelPaddingRangeLimit: padding.rangeLimit,
      }),
  };
}

/** PS3.3 C.8.3.1: ROW where phase is encoded along the rows of the stored picture. */
function phaseDirection({ artefacts, storedAs }: SeriesPlan): string {
  return (artefacts.phase === 'rows') !== STORED_AS[storedAs].transposed ? 'ROW' : 'COL';
}

function placement(series: SeriesPlan, acquired: Plane) {
  const plane = planeInFile(series, acquired);
  const fixed = (vector: Vector, digits: number) => vector.map((value) => value.toFixed(digits));
  return {
    ImagePositionPatient: fixed(fromFrame(series.pose, plane.origin), 6),
    ImageOrientationPatient: [
      ...fixed(turn(series.pose, plane.rowDirection), 10),
      ...fixed(turn(series.pose, plane.columnDirection), 10),
    ],
  };
}
