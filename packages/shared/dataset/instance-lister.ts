/** The methods of a source reader that a dataset needs. Source readers also read whole images. */

export interface InstanceLister {
  /** Size in bytes and fingerprint of one object; `undefined` if there is none. */
  head(location: string): Promise<{ size: number; fingerprint: string } | undefined>;
  /** Every object whose location begins with the prefix, at any depth; nothing for a folder that does not exist. */
  list(locationPrefix: string): AsyncIterable<{ location: string; size: number; fingerprint: string }>;
  /** The first bytes of one object; fewer if it is shorter. */
  readStart(location: string, bytes: number): Promise<Uint8Array>;
}
