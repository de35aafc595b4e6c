/** Types for the codec packages, which have none. */

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
  /** Each package exports one of the three decoders. */
  const factory: (options: { print(line: string): void; printErr(line: string): void }) => Promise<Module>;
  export default factory;
}
