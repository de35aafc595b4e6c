/** The transfer syntaxes that the phantom writes, by name and UID. Source: DICOM PS3.5 section 10, PS3.6 annex A. */

export const TRANSFER_SYNTAXES = {
  implicit_little: '1.2.840.10008.1.2',
  explicit_little: '1.2.840.10008.1.2.1',
  explicit_big: '1.2.840.10008.1.2.2',
  deflated: '1.2.840.10008.1.2.1.99',
  rle: '1.2.840.10008.1.2.5',
  jpeg_lossless: '1.2.840.10008.1.2.4.70',
  jpeg_ls: '1.2.840.10008.1.2.4.80',
  jpeg_2000: '1.2.840.10008.1.2.4.90',
} as const;
export type TransferSyntax = keyof typeof TRANSFER_SYNTAXES;

/** Whether pixels are encapsulated, one fragment per frame, and not native words. */
export function isEncapsulated(syntax: TransferSyntax): boolean {
  return syntax === 'rle' || syntax === 'jpeg_lossless' || syntax === 'jpeg_ls' || syntax === 'jpeg_2000';
}
