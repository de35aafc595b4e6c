/**
 * What spineline needs from an object store: a flat map from keys to bytes, in which an object is complete or absent.
 * There are two backends, `file-store.ts` and `s3-store.ts`, and one conformance suite tests both.
 */

/** What a store knows about an object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
  /** ETag of the object without quotation marks; `file://` has none. */
  readonly etag?: string;
}

export interface PutOptions {
  /** Media type, for people who open the object with other tools. A `file://` store does not keep it. */
  readonly contentType?: string;
}

/**
 * An open store. Keys are relative to the URL of the store; the rules for keys are in `object-key.ts`.
 *
 * Every method retries a few times. If the store still does not answer, it throws {@link StoreUnavailableError}
 * (transient); if the store refuses the request, it throws a permanent {@link SpinelineError}.
 */
export interface ObjectStore {
  /** `s3://bucket/prefix` or `file:///path`, without credentials. */
  readonly url: string;
  /**
   * The whole object. The array does not share its `ArrayBuffer`, so the buffer can be transferred to a worker thread.
   *
   * @throws {ObjectNotFoundError} when there is no such object.
   */
  get(key: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes or replaces the object. Readers see the old bytes or the new bytes, never a part. Durable on return. */
  put(key: string, bytes: Uint8Array | string, options?: PutOptions): Promise<void>;
  /** Size and time of the object; `undefined` if it is absent. */
  head(key: string): Promise<ObjectInfo | undefined>;
  /**
   * Every object whose key starts with `prefix`, in ascending order of the UTF-8 bytes of the keys. The prefix can be
   * any beginning of a key, not only a folder; `''` lists all. Memory does not grow with the number of objects.
   */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /**
   * The names, without slashes, of the folders directly below `prefix` that hold an object at any depth, in ascending
   * order. `folders('runs/')` gives `night-1` for an object `runs/night-1/run.json`. `prefix` is `''` or ends in `/`.
   */
  folders(prefix: string): AsyncIterable<string>;
  /** Removes the object. No error if it is absent. */
  delete(key: string): Promise<void>;
  /**
   * Writes the object unless it exists. Returns `true` if this call wrote it.
   *
   * Atomic on `file://` (link(2)) and on S3 servers that support `If-None-Match` on PUT. A server without that answers
   * 501, as OpenStack Swift does; there the store sends HEAD and then PUT. Two callers at the same moment can then both
   * get `true`, and the bytes of the later one stay. So correctness must not depend on this call alone.
   */
  putIfAbsent(key: string, bytes: Uint8Array | string, options?: PutOptions): Promise<boolean>;
  /** Closes connections; the store cannot be used afterwards. */
  close(): Promise<void>;
}
