/**
 * A codec that was compiled to WebAssembly, kept loaded from frame to frame and thrown away when it fails.
 *
 * An Emscripten module that threw or aborted may have left its heap in any state, and throws numbers, strings or
 * objects of its own; the next frame gets a fresh instance, the caller an Error.
 */

import { CodecError, CodecUnavailableError } from './samples.ts';

/** What is used of an Emscripten module. */
export interface EmscriptenModule {
  readonly HEAPU8: Uint8Array;
  /** The message of a thrown C++ exception: Emscripten's gives its type too, CharLS's the message alone. */
  getExceptionMessage?(thrown: unknown): string | readonly string[];
}

/** Loads a module, with its standard output and error going to the two functions. */
export type EmscriptenFactory<M extends EmscriptenModule> = (options: {
  print: (line: string) => void;
  printErr: (line: string) => void;
}) => Promise<M>;

/** A decoder object that lives in a module's heap until `delete`. */
export interface WasmDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getDecodedBuffer(): Uint8ClampedArray;
  getFrameInfo(): { readonly width: number; readonly height: number };
  delete(): void;
}

/** WebAssembly memory never shrinks: an instance that has grown beyond this, for an outsize frame, is let go. */
const LARGEST_HEAP_KEPT_BYTES = 256 * 1024 * 1024;

/** Decodes one codestream to bytes, little-endian where a sample takes two. */
export type WasmDecode = (codestream: Uint8Array) => Promise<{ bytes: Uint8Array; columns: number; rows: number }>;

/**
 * A decoding function over a module that is loaded when it is first needed, once a thread.
 *
 * Its promise rejects with `CodecError` for a frame that cannot be decoded, and with `CodecUnavailableError` if the
 * module itself cannot be had, which is no fault of the file.
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
    // No await from here on: one frame at a time is in the heap.
    lines.length = 0;
    let decoder: WasmDecoder | undefined;
    try {
      decoder = create(module);
      decoder.getEncodedBuffer(codestream.length).set(codestream);
      decoder.decode();
      const complaint = lines.find((line) => line.includes('[ERROR]'));
      if (complaint) throw new Error(complaint.trim());
      const { width, height } = decoder.getFrameInfo();
      const decoded = decoder.getDecodedBuffer();
      const bytes = new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.length);
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
    // The heap that holds the message may be the reason for the failure.
  }
  return new Error('the codec gave no reason', { cause: thrown });
}
