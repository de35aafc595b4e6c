/** What a scan knows to be there and could not read. */

/** A file that is or may be DICOM and cannot be read, or a folder that cannot be listed. */
export interface Loss {
  /** That holds the file, or the folder itself. */
  readonly folder: string;
  /** `undefined` for a folder. */
  readonly name: string | undefined;
  readonly detail: string;
}

/** The detail of a file without a byte. */
export const EMPTY = 'it is empty';

/** A series of which a server gives fewer instances than it says it has. */
export interface ShortSeries {
  readonly studyUid: string;
  readonly seriesUid: string;
  /** Instances that the server says it has. */
  readonly expected: number;
  /** Instances that it gives. */
  readonly found: number;
}
