/**
 * The attributes that the writer knows by keyword: tag and value representation. Source: DICOM PS3.6. Only attributes
 * for MR images, for other objects of an export, and for broken files in tests.
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
  | 'SL'
  | 'SQ'
  | 'SS'
  | 'TM'
  | 'UI'
  | 'UL'
  | 'UN'
  | 'US'
  | 'UT'
  /** Not a VR of files: stands for US, or for SS if PixelRepresentation says that pixels are signed. */
  | 'XS';

/** Keyword -> eight hexadecimal digits of the tag, and the VR. */
export const DICTIONARY = {
  FileMetaInformationVersion: ['00020001', 'OB'],
  MediaStorageSOPClassUID: ['00020002', 'UI'],
  MediaStorageSOPInstanceUID: ['00020003', 'UI'],
  TransferSyntaxUID: ['00020010', 'UI'],
  ImplementationClassUID: ['00020012', 'UI'],
  ImplementationVersionName: ['00020013', 'SH'],
  FileSetID: ['00041130', 'CS'],
  OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity: ['00041200', 'UL'],
  OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity: ['00041202', 'UL'],
  FileSetConsistencyFlag: ['00041212', 'US'],
  DirectoryRecordSequence: ['00041220', 'SQ'],
  OffsetOfTheNextDirectoryRecord: ['00041400', 'UL'],
  RecordInUseFlag: ['00041410', 'US'],
  OffsetOfReferencedLowerLevelDirectoryEntity: ['00041420', 'UL'],
  DirectoryRecordType: ['00041430', 'CS'],
  ReferencedFileID: ['00041500', 'CS'],
  ReferencedSOPClassUIDInFile: ['00041510', 'UI'],
  ReferencedSOPInstanceUIDInFile: ['00041511', 'UI'],
  ReferencedTransferSyntaxUIDInFile: ['00041512', 'UI'],
  SpecificCharacterSet: ['00080005', 'CS'],
  ImageType: ['00080008', 'CS'],
  SOPClassUID: ['00080016', 'UI'],
  SOPInstanceUID: ['00080018', 'UI'],
  StudyDate: ['00080020', 'DA'],
  SeriesDate: ['00080021', 'DA'],
  ContentDate: ['00080023', 'DA'],
  StudyTime: ['00080030', 'TM'],
  SeriesTime: ['00080031', 'TM'],
  ContentTime: ['00080033', 'TM'],
  AccessionNumber: ['00080050', 'SH'],
  Modality: ['00080060', 'CS'],
  ConversionType: ['00080064', 'CS'],
  Manufacturer: ['00080070', 'LO'],
  InstitutionName: ['00080080', 'LO'],
  ReferringPhysicianName: ['00080090', 'PN'],
  CodeValue: ['00080100', 'SH'],
  CodingSchemeDesignator: ['00080102', 'SH'],
  CodeMeaning: ['00080104', 'LO'],
  StudyDescription: ['00081030', 'LO'],
  SeriesDescription: ['0008103E', 'LO'],
  ManufacturerModelName: ['00081090', 'LO'],
  ReferencedPerformedProcedureStepSequence: ['00081111', 'SQ'],
  ReferencedSeriesSequence: ['00081115', 'SQ'],
  ReferencedImageSequence: ['00081140', 'SQ'],
  ReferencedSOPClassUID: ['00081150', 'UI'],
  ReferencedSOPInstanceUID: ['00081155', 'UI'],
  FrameType: ['00089007', 'CS'],
  PixelPresentation: ['00089205', 'CS'],
  VolumetricProperties: ['00089206', 'CS'],
  VolumeBasedCalculationTechnique: ['00089207', 'CS'],
  ComplexImageComponent: ['00089208', 'CS'],
  AcquisitionContrast: ['00089209', 'CS'],
  PatientName: ['00100010', 'PN'],
  PatientID: ['00100020', 'LO'],
  PatientBirthDate: ['00100030', 'DA'],
  PatientSex: ['00100040', 'CS'],
  PatientComments: ['00104000', 'LT'],
  ContrastBolusAgent: ['00180010', 'LO'],
  BodyPartExamined: ['00180015', 'CS'],
  ScanningSequence: ['00180020', 'CS'],
  SequenceVariant: ['00180021', 'CS'],
  ScanOptions: ['00180022', 'CS'],
  MRAcquisitionType: ['00180023', 'CS'],
  SequenceName: ['00180024', 'SH'],
  SliceThickness: ['00180050', 'DS'],
  KVP: ['00180060', 'DS'],
  RepetitionTime: ['00180080', 'DS'],
  EchoTime: ['00180081', 'DS'],
  InversionTime: ['00180082', 'DS'],
  EchoNumbers: ['00180086', 'IS'],
  MagneticFieldStrength: ['00180087', 'DS'],
  SpacingBetweenSlices: ['00180088', 'DS'],
  EchoTrainLength: ['00180091', 'IS'],
  DeviceSerialNumber: ['00181000', 'LO'],
  SoftwareVersions: ['00181020', 'LO'],
  ProtocolName: ['00181030', 'LO'],
  ConvolutionKernel: ['00181210', 'SH'],
  InPlanePhaseEncodingDirection: ['00181312', 'CS'],
  FlipAngle: ['00181314', 'DS'],
  PatientPosition: ['00185100', 'CS'],
  EchoPulseSequence: ['00189008', 'CS'],
  EffectiveEchoTime: ['00189082', 'FD'],
  MRTimingAndRelatedParametersSequence: ['00189112', 'SQ'],
  MREchoSequence: ['00189114', 'SQ'],
  MRImageFrameTypeSequence: ['00189226', 'SQ'],
  StudyInstanceUID: ['0020000D', 'UI'],
  SeriesInstanceUID: ['0020000E', 'UI'],
  StudyID: ['00200010', 'SH'],
  SeriesNumber: ['00200011', 'IS'],
  AcquisitionNumber: ['00200012', 'IS'],
  InstanceNumber: ['00200013', 'IS'],
  ImagePositionPatient: ['00200032', 'DS'],
  ImageOrientationPatient: ['00200037', 'DS'],
  FrameOfReferenceUID: ['00200052', 'UI'],
  TemporalPositionIdentifier: ['00200100', 'IS'],
  NumberOfTemporalPositions: ['00200105', 'IS'],
  PositionReferenceIndicator: ['00201040', 'LO'],
  SliceLocation: ['00201041', 'DS'],
  ImageComments: ['00204000', 'LT'],
  StackID: ['00209056', 'SH'],
  InStackPositionNumber: ['00209057', 'UL'],
  FrameContentSequence: ['00209111', 'SQ'],
  PlanePositionSequence: ['00209113', 'SQ'],
  PlaneOrientationSequence: ['00209116', 'SQ'],
  DimensionIndexValues: ['00209157', 'UL'],
  DimensionOrganizationUID: ['00209164', 'UI'],
  DimensionIndexPointer: ['00209165', 'AT'],
  DimensionOrganizationSequence: ['00209221', 'SQ'],
  DimensionIndexSequence: ['00209222', 'SQ'],
  SamplesPerPixel: ['00280002', 'US'],
  PhotometricInterpretation: ['00280004', 'CS'],
  PlanarConfiguration: ['00280006', 'US'],
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
  PixelPaddingValue: ['00280120', 'XS'],
  PixelPaddingRangeLimit: ['00280121', 'XS'],
  WindowCenter: ['00281050', 'DS'],
  WindowWidth: ['00281051', 'DS'],
  RescaleIntercept: ['00281052', 'DS'],
  RescaleSlope: ['00281053', 'DS'],
  RescaleType: ['00281054', 'LO'],
  LossyImageCompression: ['00282110', 'CS'],
  PixelMeasuresSequence: ['00289110', 'SQ'],
  PixelValueTransformationSequence: ['00289145', 'SQ'],
  RelationshipType: ['0040A010', 'CS'],
  ValueType: ['0040A040', 'CS'],
  ConceptNameCodeSequence: ['0040A043', 'SQ'],
  ContinuityOfContent: ['0040A050', 'CS'],
  TextValue: ['0040A160', 'UT'],
  PerformedProcedureCodeSequence: ['0040A372', 'SQ'],
  CompletionFlag: ['0040A491', 'CS'],
  VerificationFlag: ['0040A493', 'CS'],
  ContentSequence: ['0040A730', 'SQ'],
  DisplayedAreaTopLeftHandCorner: ['00700052', 'SL'],
  DisplayedAreaBottomRightHandCorner: ['00700053', 'SL'],
  DisplayedAreaSelectionSequence: ['0070005A', 'SQ'],
  ContentLabel: ['00700080', 'CS'],
  ContentDescription: ['00700081', 'LO'],
  PresentationCreationDate: ['00700082', 'DA'],
  PresentationCreationTime: ['00700083', 'TM'],
  ContentCreatorName: ['00700084', 'PN'],
  PresentationSizeMode: ['00700100', 'CS'],
  PresentationPixelAspectRatio: ['00700102', 'IS'],
  PresentationLUTShape: ['20500020', 'CS'],
  SharedFunctionalGroupsSequence: ['52009229', 'SQ'],
  PerFrameFunctionalGroupsSequence: ['52009230', 'SQ'],
  PixelData: ['7FE00010', 'OW'],
} as const satisfies Record<string, readonly [string, ValueRepresentation]>;

export type Keyword = keyof typeof DICTIONARY;
