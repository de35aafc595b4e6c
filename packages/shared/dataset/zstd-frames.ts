/**
 * Splits a Zstandard stream at frame boundaries. Node's decompressor drops all bytes after the end of a frame in the
 * same chunk, without an error (seen on Node 24.21). Files with several frames are common: parallel compressors write
 * them, and concatenated dataset pages are such files.
 *
 * The frame format is RFC 8878, section 3.1. A frame's length follows from its block headers alone.
 */

import { Transform, type TransformCallback } from 'node:stream';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;

/**
 * Passes bytes through so that no chunk holds bytes of two frames. Put it before `createZstdDecompress`. Skippable
 * frames are removed. Bytes that are no frame pass unchanged, and the decompressor reports the error.
 */
export class ZstdFrameSplitter extends Transform {
  /** Bytes of an incomplete header. */
  #header: Buffer = Buffer.alloc(0);
  /** Remaining bytes of the current block, checksum or skippable frame. */
  #left = 0;
  #skipping = false;
  #state: 'frame' | 'block' | 'checksum' | 'opaque' = 'frame';
  #lastBlock = false;
  #checksum = false;

  constructor() {
    // Object mode for the output: a stream of bytes may join chunks, a stream of objects never does.
    super({ readableObjectMode: true });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === 'opaque') {
        this.push(chunk.subarray(at));
        break;
      }
      if (this.#left > 0) {
        const end = Math.min(chunk.length, at + this.#left);
        if (!this.#skipping) this.push(chunk.subarray(at, end));
        this.#left -= end - at;
        at = end;
      } else {
        this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + 1)]);
        at += 1;
        this.#readHeader();
      }
      if (this.#left === 0 && this.#header.length === 0) this.#advance();
    }
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#header.length > 0) this.push(this.#header);
    done();
  }

  /** If the header is complete, passes it on and sets the next state. */
  #readHeader(): void {
    const header = this.#header;
    if (this.#state === 'block') {
      if (header.length < 3) return;
      const bits = header.readUIntLE(0, 3);
      this.#lastBlock = (bits & 1) === 1;
      // An RLE block (type 1) is one byte long, whatever its uncompressed length.
      this.#left = ((bits >> 1) & 3) === 1 ? 1 : bits >> 3;
      this.#passHeader();
      return;
    }
    if (header.length < 4) return;
    const magic = header.readUInt32LE(0);
    if ((magic & 0xfffffff0) === SKIPPABLE_MAGIC) {
      if (header.length < 8) return;
      this.#left = header.readUInt32LE(4);
      this.#skipping = true;
      this.#header = Buffer.alloc(0);
      return;
    }
    if (magic !== FRAME_MAGIC) {
      this.#state = 'opaque';
      this.#passHeader();
      return;
    }
    if (header.length < 5) return;
    const descriptor = header[4]!;
    const singleSegment = (descriptor & 0x20) !== 0;
    const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3]!;
    const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
    if (header.length < 5 + (singleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes) return;
    this.#checksum = (descriptor & 4) !== 0;
    this.#lastBlock = false;
    this.#passHeader();
  }

  #passHeader(): void {
    this.push(this.#header);
    this.#header = Buffer.alloc(0);
  }

  /** Goes from the end of one part to the next. */
  #advance(): void {
    if (this.#skipping) {
      this.#skipping = false;
    } else if (this.#state === 'frame') {
      this.#state = 'block';
    } else if (this.#state === 'block' && this.#lastBlock) {
      this.#state = this.#checksum ? 'checksum' : 'frame';
      this.#left = this.#checksum ? 4 : 0;
    } else if (this.#state === 'checksum') {
      this.#state = 'frame';
    }
  }
}
