/** Checks of a compressed frame against the header, before a codec gets it. */

import { CodecError } from './codec-error.ts';
import type { CodestreamImage } from './codestream.ts';
import type { FrameSize } from './samples.ts';

/**
 * Compares what a codestream says about its image with the header.
 *
 * @throws {CodecError} `DICOM_ATTRIBUTE_INVALID` if size or number of components differ, or if samples have more bits
 *   than BitsAllocated; `DICOM_UNSUPPORTED` for samples of more than 16 bits
 */
export function assertImage(image: CodestreamImage, size: FrameSize, bitsAllocated: number): void {
  if (image.rows !== size.rows || image.columns !== size.columns) {
    throw new CodecError('DICOM_ATTRIBUTE_INVALID', 'the compressed frame is not of Rows x Columns', {
      expected: `${size.rows}x${size.columns}`,
      found: `${image.rows}x${image.columns}`,
    });
  }
  if (image.components !== 1) {
    throw new CodecError('DICOM_ATTRIBUTE_INVALID', 'the compressed frame is not of one component', {
      expected: '1',
      found: `${image.components}`,
    });
  }
  if (image.precision > bitsAllocated) {
    throw new CodecError(
      'DICOM_ATTRIBUTE_INVALID',
      'the compressed frame has more bits per sample than BitsAllocated',
      {
        expected: `at most ${bitsAllocated}`,
        found: `${image.precision}`,
      },
    );
  }
  if (image.precision < 1 || image.precision > 16) {
    throw new CodecError('DICOM_UNSUPPORTED', `compressed samples of ${image.precision} bits are not read`);
  }
}

/**
 * Refuses a frame that is cut off, as its own markers show.
 *
 * @throws {CodecError} `DICOM_TRUNCATED`
 */
export function assertComplete(head: { readonly complete: boolean }): void {
  if (!head.complete) throw new CodecError('DICOM_TRUNCATED', 'the compressed frame ends early');
}

/**
 * Refuses a frame that is too short for its samples, before memory is allocated for them.
 *
 * @param most how many samples the bytes can hold at most
 * @param length bytes of the frame, for the message
 * @throws {CodecError} `DICOM_TRUNCATED`
 */
export function assertPlausible(size: FrameSize, most: number, length: number): void {
  if (size.rows * size.columns <= most) return;
  throw new CodecError('DICOM_TRUNCATED', 'the compressed frame is too short for its rows and columns', {
    expected: `${size.rows}x${size.columns} samples`,
    found: `${length} bytes`,
  });
}
