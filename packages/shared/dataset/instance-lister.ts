/** What a dataset needs to know of where images lie; every source reader has it, and reads whole images too. */

export interface InstanceLister {
  /** Size in bytes and fingerprint of one object, `undefined` where there is none. */
  head(location: string): Promise<{ size: number; fingerprint: string } | undefined>;
  /** Every object whose location begins with the prefix, at any depth; nothing for a folder that is not there. */
  list(locationPrefix: string): AsyncIterable<{ location: string; size: number; fingerprint: string }>;
  /** The first bytes of one object, fewer where it is shorter. */
  readStart(location: string, bytes: number): Promise<Uint8Array>;
}
