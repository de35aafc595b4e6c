/** What goes into every codec, and what comes out of it. */

/** Samples of one frame as a codec gives them. Sign and unused bits are not yet interpreted. */
export interface Samples {
  /** An array of its own, [rows * columns], row by row. The low `precision` bits count, as two's complement if the image is signed. */
  readonly values: Uint8Array | Uint16Array | Uint32Array;
  /** Bits per sample. */
  readonly precision: number;
}

/** The size that the header promises. */
export interface FrameSize {
  readonly rows: number;
  readonly columns: number;
}
