/**
 * The attributes that the writer knows by keyword: tag and value representation.
 * Source: DICOM PS3.6, only what MR images, and the tests that make broken ones, need.
 */

export type ValueRepresentation =
  | 'AE'
  | 'AS'
  | 'AT'
  | 'CS'
  | 'DA'
  | 'DS'
  | 'FD'
  | 'FL'
  | 'IS'
  | 'LO'
  | 'LT'
  | 'OB'
  | 'OW'
  | 'PN'
  | 'SH'
  | 'SQ'
  | 'SS'
  | 'TM'
  | 'UI'
  | 'UL'
  | 'UN'
  | 'US';

/** Keyword -> eight hexadecimal digits of the tag, and the VR. */
export const DICTIONARY = {
  FileMetaInformationVersion: ['00020001', 'OB'],
  MediaStorageSOPClassUID: ['00020002', 'UI'],
  MediaStorageSOPInstanceUID: ['00020003', 'UI'],
  TransferSyntaxUID: ['00020010', 'UI'],
  ImplementationClassUID: ['00020012', 'UI'],
  ImplementationVersionName: ['00020013', 'SH'],
  SpecificCharacterSet: ['00080005', 'CS'],
  ImageType: ['00080008', 'CS'],
  SOPClassUID: ['00080016', 'UI'],
  SOPInstanceUID: ['00080018', 'UI'],
  StudyDate: ['00080020', 'DA'],
  SeriesDate: ['00080021', 'DA'],
  StudyTime: ['00080030', 'TM'],
  AccessionNumber: ['00080050', 'SH'],
  Modality: ['00080060', 'CS'],
  Manufacturer: ['00080070', 'LO'],
  ReferringPhysicianName: ['00080090', 'PN'],
  StudyDescription: ['00081030', 'LO'],
  SeriesDescription: ['0008103E', 'LO'],
  ManufacturerModelName: ['00081090', 'LO'],
  PixelPresentation: ['00089205', 'CS'],
  VolumetricProperties: ['00089206', 'CS'],
  VolumeBasedCalculationTechnique: ['00089207', 'CS'],
  PatientName: ['00100010', 'PN'],
  PatientID: ['00100020', 'LO'],
  PatientBirthDate: ['00100030', 'DA'],
  PatientSex: ['00100040', 'CS'],
  PatientComments: ['00104000', 'LT'],
  BodyPartExamined: ['00180015', 'CS'],
  ScanningSequence: ['00180020', 'CS'],
  SequenceVariant: ['00180021', 'CS'],
  ScanOptions: ['00180022', 'CS'],
  MRAcquisitionType: ['00180023', 'CS'],
  SliceThickness: ['00180050', 'DS'],
  RepetitionTime: ['00180080', 'DS'],
  EchoTime: ['00180081', 'DS'],
  InversionTime: ['00180082', 'DS'],
  MagneticFieldStrength: ['00180087', 'DS'],
  SpacingBetweenSlices: ['00180088', 'DS'],
  EchoTrainLength: ['00180091', 'IS'],
  ProtocolName: ['00181030', 'LO'],
  InPlanePhaseEncodingDirection: ['00181312', 'CS'],
  PatientPosition: ['00185100', 'CS'],
  StudyInstanceUID: ['0020000D', 'UI'],
  SeriesInstanceUID: ['0020000E', 'UI'],
  StudyID: ['00200010', 'SH'],
  SeriesNumber: ['00200011', 'IS'],
  AcquisitionNumber: ['00200012', 'IS'],
  InstanceNumber: ['00200013', 'IS'],
  ImagePositionPatient: ['00200032', 'DS'],
  ImageOrientationPatient: ['00200037', 'DS'],
  FrameOfReferenceUID: ['00200052', 'UI'],
  PositionReferenceIndicator: ['00201040', 'LO'],
  SliceLocation: ['00201041', 'DS'],
  StackID: ['00209056', 'SH'],
  InStackPositionNumber: ['00209057', 'UL'],
  FrameContentSequence: ['00209111', 'SQ'],
  PlanePositionSequence: ['00209113', 'SQ'],
  PlaneOrientationSequence: ['00209116', 'SQ'],
  DimensionOrganizationUID: ['00209164', 'UI'],
  DimensionOrganizationSequence: ['00209221', 'SQ'],
  DimensionIndexPointer: ['00209165', 'AT'],
  DimensionIndexSequence: ['00209222', 'SQ'],
  DimensionIndexValues: ['00209157', 'UL'],
  SamplesPerPixel: ['00280002', 'US'],
  PhotometricInterpretation: ['00280004', 'CS'],
  NumberOfFrames: ['00280008', 'IS'],
  Rows: ['00280010', 'US'],
  Columns: ['00280011', 'US'],
  PixelSpacing: ['00280030', 'DS'],
  BitsAllocated: ['00280100', 'US'],
  BitsStored: ['00280101', 'US'],
  HighBit: ['00280102', 'US'],
  PixelRepresentation: ['00280103', 'US'],
  SmallestImagePixelValue: ['00280106', 'US'],
  LargestImagePixelValue: ['00280107', 'US'],
  WindowCenter: ['00281050', 'DS'],
  WindowWidth: ['00281051', 'DS'],
  RescaleIntercept: ['00281052', 'DS'],
  RescaleSlope: ['00281053', 'DS'],
  RescaleType: ['00281054', 'LO'],
  LossyImageCompression: ['00282110', 'CS'],
  PixelMeasuresSequence: ['00289110', 'SQ'],
  PixelValueTransformationSequence: ['00289145', 'SQ'],
  SharedFunctionalGroupsSequence: ['52009229', 'SQ'],
  PerFrameFunctionalGroupsSequence: ['52009230', 'SQ'],
  PixelData: ['7FE00010', 'OW'],
} as const satisfies Record<string, readonly [string, ValueRepresentation]>;

export type Keyword = keyof typeof DICTIONARY;
