/** The interface of every scheme of image sources; `open-sources.ts` chooses the scheme. */

/** A source file without its bytes. */
export interface SourceInfo {
  readonly location: string;
  /** Bytes; 0 if the source does not give it (DICOMweb). */
  readonly size: number;
  /** Changes when the file does: `size-mtimeNs` of a file, `etag-size` of an S3 object. */
  readonly fingerprint: string;
}

/**
 * All methods throw {@link StoreUnavailableError} (transient) if a server or disk did not answer, a permanent
 * `OBJECT_ACCESS_DENIED` naming the location if it may not be read, and {@link ConfigError} for another scheme.
 */
export interface SourceReader {
  /**
   * The whole file, in an array that owns its `ArrayBuffer` alone.
   *
   * @throws {ObjectNotFoundError} when there is none.
   */
  read(location: string): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * The first `bytes` bytes of a file, fewer where it is shorter: enough for most headers.
   *
   * @throws {ObjectNotFoundError} when there is none.
   */
  readStart(location: string, bytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Size and fingerprint, or `undefined` when there is no such file. */
  head(location: string): Promise<Omit<SourceInfo, 'location'> | undefined>;
  /**
   * Every file whose location starts with the prefix, in the order of the paths' UTF-8 bytes. End the prefix of a
   * folder with a slash: `file:///data/train` also lists the files in `/data/train_images`.
   */
  list(locationPrefix: string): AsyncIterable<SourceInfo>;
  close(): Promise<void>;
}
