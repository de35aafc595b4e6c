/** A DICOM file with an image of six pixels, and with the elements that a test adds. */

import {
  type DicomElement,
  type DicomFile,
  dicomFile,
  imageElements,
  type Overrides,
  SYNTAX,
  words,
} from './dicom-bytes.ts';

/** Its stored values. */
export const VALUES = [-1, 2, -300, 4, 32767, -32768];
const swapped = words(VALUES.map((value) => ((value & 0xff) << 8) | ((value >> 8) & 0xff)));
/** Its pixel data, in the byte order of the transfer syntax. */
export const pixels = (syntax: string): DicomElement => [
  '7fe00010',
  'OW',
  syntax === SYNTAX.bigEndian ? swapped : words(VALUES),
];

export const inTagOrder = (elements: DicomElement[]) => elements.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** The file with these elements. */
export function fileWith(
  odd: readonly DicomElement[],
  file: Partial<DicomFile> = {},
  overrides: Overrides = {},
): Uint8Array {
  const syntax = file.syntax ?? SYNTAX.explicit;
  const elements = inTagOrder([...imageElements(overrides), ...odd, pixels(syntax)]);
  return dicomFile({ ...file, syntax, elements });
}
