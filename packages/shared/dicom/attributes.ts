/**
 * Which attributes spineline reads: keyword, tag and VR (PS3.6 section 6). All other elements of a file are skipped.
 *
 * The VR counts if the file gives none: in implicit VR, and for UN.
 */

const DICTIONARY = {
  MediaStorageSOPClassUID: [0x00020002, 'UI'],
  TransferSyntaxUID: [0x00020010, 'UI'],
  SpecificCharacterSet: [0x00080005, 'CS'],
  ImageType: [0x00080008, 'CS'],
  SOPClassUID: [0x00080016, 'UI'],
  SOPInstanceUID: [0x00080018, 'UI'],
  Modality: [0x00080060, 'CS'],
  StudyDescription: [0x00081030, 'LO'],
  SeriesDescription: [0x0008103e, 'LO'],
  AcquisitionContrast: [0x00089209, 'CS'],
  ContrastBolusAgent: [0x00180010, 'LO'],
  ContrastBolusAgentSequence: [0x00180012, 'SQ'],
  BodyPartExamined: [0x00180015, 'CS'],
  ScanningSequence: [0x00180020, 'CS'],
  ScanOptions: [0x00180022, 'CS'],
  RepetitionTime: [0x00180080, 'DS'],
  EchoTime: [0x00180081, 'DS'],
  InversionTime: [0x00180082, 'DS'],
  EchoNumbers: [0x00180086, 'IS'],
  ProtocolName: [0x00181030, 'LO'],
  FlipAngle: [0x00181314, 'DS'],
  EchoPulseSequence: [0x00189008, 'CS'],
  SpectrallySelectedSuppression: [0x00189025, 'CS'],
  InversionTimes: [0x00189079, 'FD'],
  EffectiveEchoTime: [0x00189082, 'FD'],
  MRTimingAndRelatedParametersSequence: [0x00189112, 'SQ'],
  MREchoSequence: [0x00189114, 'SQ'],
  MRModifierSequence: [0x00189115, 'SQ'],
  StudyInstanceUID: [0x0020000d, 'UI'],
  SeriesInstanceUID: [0x0020000e, 'UI'],
  SeriesNumber: [0x00200011, 'IS'],
  AcquisitionNumber: [0x00200012, 'IS'],
  InstanceNumber: [0x00200013, 'IS'],
  ImagePositionPatient: [0x00200032, 'DS'],
  ImageOrientationPatient: [0x00200037, 'DS'],
  FrameOfReferenceUID: [0x00200052, 'UI'],
  TemporalPositionIdentifier: [0x00200100, 'IS'],
  InStackPositionNumber: [0x00209057, 'UL'],
  FrameContentSequence: [0x00209111, 'SQ'],
  PlanePositionSequence: [0x00209113, 'SQ'],
  PlaneOrientationSequence: [0x00209116, 'SQ'],
  TemporalPositionIndex: [0x00209128, 'UL'],
  SamplesPerPixel: [0x00280002, 'US'],
  PhotometricInterpretation: [0x00280004, 'CS'],
  NumberOfFrames: [0x00280008, 'IS'],
  Rows: [0x00280010, 'US'],
  Columns: [0x00280011, 'US'],
  PixelSpacing: [0x00280030, 'DS'],
  BitsAllocated: [0x00280100, 'US'],
  BitsStored: [0x00280101, 'US'],
  HighBit: [0x00280102, 'US'],
  PixelRepresentation: [0x00280103, 'US'],
  // US or SS, depending on PixelRepresentation
  PixelPaddingValue: [0x00280120, 'US'],
  PixelPaddingRangeLimit: [0x00280121, 'US'],
  RescaleIntercept: [0x00281052, 'DS'],
  RescaleSlope: [0x00281053, 'DS'],
  ModalityLUTSequence: [0x00283000, 'SQ'],
  PixelMeasuresSequence: [0x00289110, 'SQ'],
  PixelValueTransformationSequence: [0x00289145, 'SQ'],
  SharedFunctionalGroupsSequence: [0x52009229, 'SQ'],
  PerFrameFunctionalGroupsSequence: [0x52009230, 'SQ'],
  ExtendedOffsetTable: [0x7fe00001, 'OV'],
  ExtendedOffsetTableLengths: [0x7fe00002, 'OV'],
} as const satisfies Readonly<Record<string, readonly [tag: number, vr: string]>>;

/** The keyword of an attribute that spineline reads. */
export type Keyword = keyof typeof DICTIONARY;

const ENTRIES = Object.entries(DICTIONARY) as [Keyword, readonly [tag: number, vr: string]][];

/** Tag by keyword, with group and element in one number: `TAG.Rows` is 0x00280010. */
export const TAG = Object.fromEntries(ENTRIES.map(([keyword, [tag]]) => [keyword, tag])) as Readonly<
  Record<Keyword, number>
>;

/** Keyword by tag; other tags are absent. */
export const KEYWORD_OF: ReadonlyMap<number, Keyword> = new Map(ENTRIES.map(([keyword, [tag]]) => [tag, keyword]));

/** The VR of an attribute in the standard. */
export function vrOf(keyword: Keyword): string {
  return DICTIONARY[keyword][1];
}

/** A tag as DICOM JSON writes it (PS3.18 F.2.2): eight hexadecimal digits, such as `0020000E`. */
export function hexTag(tag: number): string {
  return tag.toString(16).toUpperCase().padStart(8, '0');
}

/** A tag as people write it: `(0028,0010)`. */
export function printTag(tag: number): string {
  const hex = hexTag(tag);
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}
