/** Files, folders and instances that a scan knows of but could not read. */

/** A file that is or may be DICOM and cannot be read, or a folder that cannot be listed. */
export interface Loss {
  /** The folder of the file, or the folder itself. */
  readonly folder: string;
  /** `undefined` for a folder. */
  readonly name: string | undefined;
  readonly detail: string;
}

/** The detail of an empty file. */
export const EMPTY = 'it is empty';

/** A series for which a server returns fewer instances than it says it has. */
export interface ShortSeries {
  readonly studyUid: string;
  readonly seriesUid: string;
  /** Instances that the server says it has. */
  readonly expected: number;
  /** Instances that it returned. */
  readonly found: number;
}
