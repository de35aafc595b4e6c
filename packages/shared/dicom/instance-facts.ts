/**
 * What an instance says of itself, as far as telling studies, series and stacks apart needs: read from the header alone,
 * whether that came from a file (`readFacts`) or as DICOM JSON from a server (`sources/dicom-json.ts`).
 *
 * Nothing here is required: an attribute that is absent or cannot be used is `undefined`. UIDs and free texts may name a
 * patient; they are never logged nor stored, and a reason that is shown to anybody quotes single known words of them.
 */

/** Where a frame lies, and what tells it from other frames at the same place. */
export interface FrameFacts {
  /** ImagePositionPatient, mm, LPS. */
  readonly position?: readonly [number, number, number] | undefined;
  /** ImageOrientationPatient: unit vectors along a row and along a column. */
  readonly orientation?: readonly [number, number, number, number, number, number] | undefined;
  /** PixelSpacing, mm: between rows, between columns. */
  readonly spacing?: readonly [number, number] | undefined;
  readonly echoTimeMs?: number | undefined;
  /** TemporalPositionIdentifier, or TemporalPositionIndex of an enhanced image. */
  readonly temporalPosition?: number | undefined;
}

export interface InstanceFacts {
  readonly sopClassUid?: string | undefined;
  readonly sopInstanceUid?: string | undefined;
  readonly studyInstanceUid?: string | undefined;
  readonly seriesInstanceUid?: string | undefined;
  readonly modality?: string | undefined;

  /** Free texts: StudyDescription, SeriesDescription, ProtocolName. */
  readonly studyDescription?: string | undefined;
  readonly seriesDescription?: string | undefined;
  readonly protocolName?: string | undefined;
  readonly bodyPartExamined?: string | undefined;

  readonly seriesNumber?: number | undefined;
  readonly instanceNumber?: number | undefined;
  readonly acquisitionNumber?: number | undefined;
  /** EchoNumbers, the first. */
  readonly echoNumber?: number | undefined;

  /** ImageType, such as ORIGINAL, PRIMARY, OTHER. */
  readonly imageType: readonly string[];
  readonly photometricInterpretation?: string | undefined;
  readonly samplesPerPixel?: number | undefined;
  readonly rows?: number | undefined;
  readonly columns?: number | undefined;

  readonly echoTimeMs?: number | undefined;
  readonly repetitionTimeMs?: number | undefined;
  readonly inversionTimeMs?: number | undefined;
  readonly flipAngle?: number | undefined;
  /** ScanningSequence, such as SE, IR, GR, EP; from EchoPulseSequence for an enhanced image. */
  readonly scanningSequence: readonly string[];
  /** ScanOptions, such as FS (fat saturation). */
  readonly scanOptions: readonly string[];
  /** AcquisitionContrast of an enhanced image, such as T1, T2, STIR. */
  readonly acquisitionContrast?: string | undefined;
  /** Whether ContrastBolusAgent has a value. */
  readonly contrastAgent: boolean;

  /** One, or NumberOfFrames; none where the header does not say where frames lie (they are then one unplaced frame). */
  readonly frames: readonly FrameFacts[];
}
