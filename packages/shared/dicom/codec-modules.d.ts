/** Types of the codec packages, which come without (or, jpeg-lossless-decoder-js, with a path to none). */

declare module '@cornerstonejs/*' {
  interface Decoder {
    getEncodedBuffer(length: number): Uint8Array;
    decode(): void;
    getDecodedBuffer(): Uint8ClampedArray;
    getFrameInfo(): { readonly width: number; readonly height: number };
    delete(): void;
  }
  interface Module {
    readonly HEAPU8: Uint8Array;
    readonly J2KDecoder: new () => Decoder;
    readonly JpegLSDecoder: new () => Decoder;
    readonly JPEGDecoder: new () => Decoder;
    getExceptionMessage?(thrown: unknown): string | readonly string[];
  }
  /** Each package has one of the three decoders. */
  const factory: (options: { print(line: string): void; printErr(line: string): void }) => Promise<Module>;
  export default factory;
}

declare module 'jpeg-lossless-decoder-js' {
  export class Decoder {
    /** Position in the stream; beyond its length if the decoder ran out of bytes. */
    stream: { index: number } | null;
    /** Rows that are complete. */
    yLoc: number;
    decode(
      buffer: ArrayBuffer,
      offset: number,
      length: number,
      bytesPerSample: number,
    ): Uint8Array | Uint16Array | null;
    select7(component?: number): number;
    getPreviousX(component?: number): number;
    getPreviousY(component?: number): number;
  }
}
