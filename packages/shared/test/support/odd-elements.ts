/**
 * Elements that break the standard in ways that real writers do: without a valid VR, in each of three forms, and in
 * sequences that are not marked as such.
 */

import { type DicomElement, elementBytes } from './dicom-bytes.ts';

const value = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 37 + 1) & 0x7f);

function head(tag: string, rest: readonly number[], little: boolean): Buffer {
  const [group, element] = [Number.parseInt(tag.slice(0, 4), 16), Number.parseInt(tag.slice(4), 16)];
  const words = little
    ? [group & 255, group >> 8, element & 255, element >> 8]
    : [group >> 8, group & 255, element >> 8, element & 255];
  return Buffer.from([...words, ...rest]);
}

const bytes16 = (length: number, little: boolean) =>
  little ? [length & 255, length >> 8] : [length >> 8, length & 255];
const bytes32 = (length: number, little: boolean) => {
  const bytes = [length & 255, (length >> 8) & 255, (length >> 16) & 255, (length >>> 24) & 255];
  return little ? bytes : bytes.reverse();
};
const codes = (vr: string) => [vr.charCodeAt(0), vr.charCodeAt(1)];

/** An element with two bytes instead of a VR, and 16 bits of length. */
export function shortForm(tag: string, vr: string, length: number, little = true): DicomElement {
  return [tag, 'raw', Buffer.concat([head(tag, [...codes(vr), ...bytes16(length, little)], little), value(length)])];
}

/** An element with two bytes instead of a VR, two reserved bytes, and 32 bits of length. */
export function longForm(tag: string, vr: string, length: number, little = true): DicomElement {
  const rest = [...codes(vr), 0, 0, ...bytes32(length, little)];
  return [tag, 'raw', Buffer.concat([head(tag, rest, little), value(length)])];
}

/** An element without a VR, with 32 bits of length. */
export function implicitForm(tag: string, length: number, little = true): DicomElement {
  return [tag, 'raw', Buffer.concat([head(tag, bytes32(length, little), little), value(length)])];
}

/** A sequence with the VR `vr` (none if empty), and with items that are encoded differently from the file. */
export function foreignSequence(
  tag: string,
  vr: string,
  items: readonly (readonly DicomElement[])[],
  options: { explicit: boolean; undefinedLengths: boolean; little?: boolean },
): DicomElement {
  const { explicit, undefinedLengths, little = true } = options;
  const encoding = { explicit, undefinedLengths, little: true };
  const sequence = elementBytes([[tag, 'SQ', items as DicomElement[][]]], encoding);
  const body = sequence.subarray(explicit ? 12 : 8);
  const length = bytes32(undefinedLengths ? 0xffffffff : body.length, little);
  const rest = vr === '' ? length : [...codes(vr), 0, 0, ...length];
  return [tag, 'raw', Buffer.concat([head(tag, rest, little), body])];
}

const NESTED: readonly (readonly DicomElement[])[] = [
  [
    ['00080100', 'SH', 'T-1'],
    ['00080104', 'LO', 'a meaning'],
    ['00404001', 'SQ', [[['00080104', 'LO', '']], [['00081155', 'UI', '1.2.3']]]],
  ],
  [['00280010', 'US', 77]],
];

/** Makers of such elements for an explicit file, by name. @param tag `ggggeeee` */
export const ODD_ELEMENTS: Readonly<Record<string, (tag: string, little: boolean) => DicomElement>> = {
  'VR 00 00': (tag, little) => shortForm(tag, '\0\0', 4, little),
  'VR 00 00, no value': (tag, little) => shortForm(tag, '\0\0', 0, little),
  'VR ??': (tag, little) => shortForm(tag, '??', 6, little),
  'VR of spaces': (tag, little) => shortForm(tag, '  ', 12, little),
  'VR in lower case': (tag, little) => shortForm(tag, 'lo', 10, little),
  'VR FF FF': (tag, little) => shortForm(tag, '\xff\xff', 8, little),
  'VR ?? and 32 bits of length': (tag, little) => longForm(tag, '??', 6, little),
  'VR 00 00 and 32 bits of length': (tag, little) => longForm(tag, '\0\0', 300, little),
  'a VR of a later standard': (tag, little) => longForm(tag, 'ZZ', 70, little),
  'no VR': (tag, little) => implicitForm(tag, 4, little),
  'no VR, no value': (tag, little) => implicitForm(tag, 0, little),
  'no VR, a long value': (tag, little) => implicitForm(tag, 66000, little),
  'no VR, a sequence': (tag, little) =>
    foreignSequence(tag, '', NESTED, { explicit: false, undefinedLengths: false, little }),
  'no VR, a sequence of undefined length': (tag, little) =>
    foreignSequence(tag, '', NESTED, { explicit: false, undefinedLengths: true, little }),
  'UN, implicit items': (tag, little) =>
    foreignSequence(tag, 'UN', NESTED, { explicit: false, undefinedLengths: false, little }),
  'UN of undefined length, implicit items': (tag, little) =>
    foreignSequence(tag, 'UN', NESTED, { explicit: false, undefinedLengths: true, little }),
  'UN of undefined length, explicit items': (tag, little) =>
    foreignSequence(tag, 'UN', NESTED, { explicit: true, undefinedLengths: true, little }),
  'UN of undefined length, no items': (tag, little) =>
    foreignSequence(tag, 'UN', [], { explicit: false, undefinedLengths: true, little }),
};
