/**
 * What spineline asks of an object store: a flat map from keys to bytes in which an object is complete or absent.
 * Two backends keep this contract, `file-store.ts` and `s3-store.ts`, and one conformance suite holds both to it.
 */

/** What a store knows about an object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
  /** The server's name for this version of the object, without quotation marks; `file://` has none. */
  readonly etag?: string;
}

export interface PutOptions {
  /** Media type, for people who open the object with other tools; `file://` has nowhere to keep it. */
  readonly contentType?: string;
}

/**
 * An open store. Keys are relative to the store's URL; `object-key.ts` says what a key may be.
 *
 * Every method throws {@link StoreUnavailableError} (transient: worth trying again) when the store did not answer, after
 * its own few retries, and a permanent {@link SpinelineError} when the answer was no.
 */
export interface ObjectStore {
  /** `s3://bucket/prefix` or `file:///path`, without credentials. */
  readonly url: string;
  /**
   * The whole object. The array owns its `ArrayBuffer` alone, so that the buffer can be transferred to a worker thread.
   *
   * @throws {ObjectNotFoundError} when there is no such object.
   */
  get(key: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes or replaces the object. Readers see the old bytes or the new bytes, never a part; durable on return. */
  put(key: string, bytes: Uint8Array | string, options?: PutOptions): Promise<void>;
  /** What is known about the object, or `undefined` when it is absent. */
  head(key: string): Promise<ObjectInfo | undefined>;
  /**
   * Every object whose key starts with `prefix` (any beginning of a key, not only a folder; `''` is all), in ascending
   * order of the keys' UTF-8 bytes. Streams: memory does not grow with the number of objects.
   */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /**
   * The names, without slashes, of the folders directly below `prefix` that hold an object at any depth, in ascending
   * order. `folders('runs/')` gives `night-1` for an object `runs/night-1/run.json`. `prefix` is `''` or ends in `/`.
   */
  folders(prefix: string): AsyncIterable<string>;
  /** Removes the object; absent is fine. */
  delete(key: string): Promise<void>;
  /**
   * Writes the object unless there is one already; `true` when this call wrote it.
   *
   * Atomic on `file://` (link(2)) and on S3 servers that know `If-None-Match` on PUT. A server that answers 501 to it,
   * as OpenStack Swift does, is asked with HEAD first and then written to: two callers at the same instant can then
   * both be told `true`, and the last of them stays. Nothing that must be right may rest on this call alone.
   */
  putIfAbsent(key: string, bytes: Uint8Array | string, options?: PutOptions): Promise<boolean>;
  /** Closes connections; the store cannot be used afterwards. */
  close(): Promise<void>;
}
