/** What every scheme of image sources can do; `open-sources.ts` chooses the scheme. */

/** A source file without its bytes. */
export interface SourceInfo {
  readonly location: string;
  /** Bytes; 0 where the source does not say (DICOMweb). */
  readonly size: number;
  /** `size-mtimeNs` of a file, `etag-size` of an S3 object: another one means that the file was changed. */
  readonly fingerprint: string;
}

/**
 * All methods throw {@link StoreUnavailableError} (transient) when a server or disk did not answer, a permanent
 * `OBJECT_ACCESS_DENIED` naming the location when it may not be read, and {@link ConfigError} for another scheme.
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
   * Every file whose location starts with the prefix, in the order of the paths' UTF-8 bytes. A folder's prefix ends in a
   * slash: `file:///data/train` also lists what is in `/data/train_images`.
   */
  list(locationPrefix: string): AsyncIterable<SourceInfo>;
  close(): Promise<void>;
}
