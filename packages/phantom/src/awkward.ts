/**
 * Awkward studies: faults of real archives, with a known frequency and in a known order.
 *
 * Of every eight studies the fourth has two axial series (in the challenge one study in six), the sixth has compressed
 * or unusual transfer syntaxes, and the eighth has the next fault of a list. All others, including the first three, are
 * plain.
 */

import type { TransferSyntax } from './transfer-syntaxes.ts';

export const AWKWARD_MEANINGS = {
  two_axial_halves: 'two axial series, one for the upper and one for the lower levels',
  two_axial_matrices: 'two axial series of different matrix, both over all levels',
  transfer_syntaxes: 'each series in a transfer syntax other than Explicit VR Little Endian',
  t1_other_frame: 'the Sagittal T1 series has another frame of reference',
  repeated_positions: 'some slices of each series were acquired twice',
  no_axial: 'no axial series',
  multi_frame: 'each series is one enhanced multi-frame file',
  missing_slice: 'a slice is missing within each series',
  axial_other_frame: 'the Axial T2 series has another frame of reference',
  many_slices: 'more than 32 sagittal slices',
  no_t1: 'no Sagittal T1 series',
  few_slices: 'fewer than five Sagittal T2 slices',
  three_frames: 'each series has its own frame of reference',
  no_t2: 'no Sagittal T2/STIR series',
} as const;
export type Awkward = keyof typeof AWKWARD_MEANINGS;

const OTHERS: readonly Awkward[] = [
  't1_other_frame',
  'repeated_positions',
  'no_axial',
  'multi_frame',
  'missing_slice',
  'axial_other_frame',
  'many_slices',
  'no_t1',
  'few_slices',
  'three_frames',
  'no_t2',
];
const SYNTAXES: readonly TransferSyntax[] = [
  'rle',
  'jpeg_ls',
  'jpeg_2000',
  'jpeg_lossless',
  'deflated',
  'implicit_little',
  'explicit_big',
];
const CYCLE = 8;

/** The fault of the study at an index; `undefined` for a plain one. */
export function awkwardAt(index: number): Awkward | undefined {
  const round = Math.floor(index / CYCLE);
  switch (index % CYCLE) {
    case 3:
      return round % 2 === 0 ? 'two_axial_halves' : 'two_axial_matrices';
    case 5:
      return 'transfer_syntaxes';
    case 7:
      return OTHERS[round % OTHERS.length]!;
    default:
      return undefined;
  }
}

/** The transfer syntax of a series of an awkward study. Three such studies in succession cover all of them. */
export function awkwardSyntax(index: number, series: number): TransferSyntax {
  return SYNTAXES[(3 * Math.floor(index / CYCLE) + series) % SYNTAXES.length]!;
}
