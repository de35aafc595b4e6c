/**
 * Runs a codec that is compiled to WebAssembly with Emscripten. The module stays loaded between frames, and is
 * discarded after a failure.
 *
 * A module that threw or aborted may have left its memory in any state, so the next frame gets a new instance. Such a
 * module throws numbers, strings or its own objects; the caller gets an Error.
 */

import { CodecError, CodecUnavailableError } from './codec-error.ts';
import type { FrameSize, Samples } from './samples.ts';

/** The parts of an Emscripten module that are used here. */
interface EmscriptenModule {
  readonly HEAPU8: Uint8Array;
  /** The message of a C++ exception. Emscripten gives type and message, CharLS the message only. */
  getExceptionMessage?(thrown: unknown): string | readonly string[];
}

/** Loads a module. The two functions get the lines of its standard output and standard error. */
type EmscriptenFactory<M extends EmscriptenModule> = (options: {
  print: (line: string) => void;
  printErr: (line: string) => void;
}) => Promise<M>;

/** A decoder object. It takes memory of the module until `delete` is called. */
interface WasmDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getDecodedBuffer(): Uint8ClampedArray;
  getFrameInfo(): { readonly width: number; readonly height: number };
  delete(): void;
}

/**
 * The memory of a WebAssembly module never shrinks, so a module that grew beyond this for a large frame is discarded.
 */
const LARGEST_HEAP_KEPT_BYTES = 256 * 1024 * 1024;

/** Decodes one codestream. @returns bytes of the samples, little-endian if a sample has two bytes */
type WasmDecode = (codestream: Uint8Array) => Promise<{ bytes: Uint8Array; columns: number; rows: number }>;

/**
 * Makes a decoding function. Its module is loaded once per thread, when it is first needed.
 *
 * The function rejects with `CodecError` if the frame cannot be decoded, and with `CodecUnavailableError` if the module
 * cannot be loaded.
 */
export function wasmDecode<M extends EmscriptenModule>(
  factory: EmscriptenFactory<M>,
  create: (module: M) => WasmDecoder,
): WasmDecode {
  let loading: Promise<{ module: M; lines: string[] }> | undefined;

  return async (codestream) => {
    loading ??= load(factory);
    const mine = loading;
    const discard = () => {
      if (loading === mine) loading = undefined;
    };
    const { module, lines } = await mine.catch((error: unknown) => {
      discard();
      throw new CodecUnavailableError(error);
    });
    // No `await` from here on, so that the module handles one frame at a time.
    lines.length = 0;
    try {
      const decoder = create(module);
      decoder.getEncodedBuffer(codestream.length).set(codestream);
      decoder.decode();
      const complaint = lines.find((line) => line.includes('[ERROR]'));
      if (complaint) throw new Error(complaint.trim());
      const { width, height } = decoder.getFrameInfo();
      // A copy, since the next frame overwrites the memory of the module.
      const bytes = new Uint8Array(decoder.getDecodedBuffer());
      decoder.delete();
      if (module.HEAPU8.length > LARGEST_HEAP_KEPT_BYTES) discard();
      return { bytes, columns: width, rows: height };
    } catch (thrown) {
      discard();
      const cause = asError(thrown, module);
      throw new CodecError('DICOM_DECODE_FAILED', 'the codec cannot decode the frame', { found: cause.message, cause });
    }
  };
}

/**
 * Decodes a codestream, and compares the result with the header and the codestream.
 *
 * @param size the size that the header promises
 * @param precision bits per sample in the codestream, at most 16
 * @returns samples of 8 bits, or of 16 bits if `precision` is above 8
 * @throws {CodecError} if the frame cannot be decoded, or if the result has another size
 * @throws {CodecUnavailableError} if the codec cannot be loaded
 */
export async function decodeChecked(
  decode: WasmDecode,
  codestream: Uint8Array,
  size: FrameSize,
  precision: number,
): Promise<Samples> {
  const { bytes, rows, columns } = await decode(codestream);
  const count = size.rows * size.columns;
  const width = precision > 8 ? 2 : 1;
  if (rows !== size.rows || columns !== size.columns || bytes.length !== count * width) {
    throw new CodecError('DICOM_DECODE_FAILED', 'the codec gave another image than the codestream promises', {
      expected: `${size.rows}x${size.columns}, ${count * width} bytes`,
      found: `${rows}x${columns}, ${bytes.length} bytes`,
    });
  }
  // WebAssembly is little-endian, and so is every platform that ONNX Runtime supports for Node.
  return { values: width === 1 ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, count), precision };
}

async function load<M extends EmscriptenModule>(
  factory: EmscriptenFactory<M>,
): Promise<{ module: M; lines: string[] }> {
  const lines: string[] = [];
  const keep = (line: string) => {
    if (lines.length < 20) lines.push(line);
  };
  return { module: await factory({ print: keep, printErr: keep }), lines };
}

function asError(thrown: unknown, module: EmscriptenModule): Error {
  if (thrown instanceof Error && thrown.message) return thrown;
  try {
    const message = [module.getExceptionMessage?.(thrown) ?? []].flat().filter(Boolean).join(': ');
    if (message) return new Error(message, { cause: thrown });
  } catch {
    // The memory that holds the message may be damaged.
  }
  return new Error('the codec gave no reason', { cause: thrown });
}
