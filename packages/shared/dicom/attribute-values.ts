/**
 * Values of attributes as numbers and text. A value that is absent, empty or not usable is `undefined`; nothing here is
 * an error. `header.ts` decides which attributes an image must have.
 */

import { KEYWORD_OF, type Keyword, TAG, vrOf } from './attributes.ts';
import { decodeText } from './character-set.ts';
import type { FactSource } from './fact-source.ts';
import { parseNumbers, shown, trimmed } from './numbers.ts';

/** An element, and where its value is in the bytes. */
export interface Element {
  /** As written in the file; `undefined` for implicit VR and for two bytes that are no VR. */
  readonly vr: string | undefined;
  /** Byte position and length of the value. The bytes hold all of it. */
  readonly offset: number;
  readonly length: number;
  /** The items, if the element is a sequence. */
  readonly items?: readonly AttributeValues[];
}

/** Bytes per number of the binary VRs (PS3.5 6.2). */
const SIZES: Readonly<Record<string, number>> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8 };
/** Bytes that are read of a text. No attribute in the list has longer values; a longer one is an attack or damage. */
const LONGEST_TEXT = 4096;

/** The values of one level of a data set: its top level, or one item of a sequence. */
export class AttributeValues implements FactSource {
  /** By tag; only tags that `attributes.ts` lists. */
  readonly elements: ReadonlyMap<number, Element>;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(bytes: Uint8Array, view: DataView, bigEndian: boolean, elements: ReadonlyMap<number, Element>) {
    this.elements = elements;
    this.#bytes = bytes;
    this.#view = view;
    this.#little = !bigEndian;
  }

  /** Whether the element is present and has a value. */
  has(keyword: Keyword): boolean {
    return (this.elements.get(TAG[keyword])?.length ?? 0) > 0;
  }

  /** The values of a text (VR CS, LO, UI, ...), split at backslashes, without padding. */
  texts(keyword: Keyword): readonly string[] {
    const raw = this.#raw(keyword);
    if (raw === undefined) return [];
    const charset = this.elements.has(TAG.SpecificCharacterSet) ? this.#raw('SpecificCharacterSet') : undefined;
    const values = decodeText(raw, charset).split('\\').map(trimmed);
    while (values.length > 0 && values.at(-1) === '') values.pop();
    return values;
  }

  /** The first value of a text; `undefined` if it is absent or empty. */
  text(keyword: Keyword): string | undefined {
    return this.texts(keyword)[0] || undefined;
  }

  /** The values of a numeric attribute, binary or text; `undefined` if it is absent or one is no finite number. */
  numbers(keyword: Keyword): readonly number[] | undefined {
    const element = this.elements.get(TAG[keyword]);
    if (!element || element.length === 0) return undefined;
    const vr = numericVr(element, keyword);
    if (SIZES[vr] === undefined) return parseNumbers(this.#raw(keyword)!).values;
    return this.#binary(element, vr, SIZES[vr]);
  }

  /** The first number. */
  number(keyword: Keyword): number | undefined {
    return this.numbers(keyword)?.[0];
  }

  /** The first number, if it is an integer. */
  integer(keyword: Keyword): number | undefined {
    const value = this.number(keyword);
    return Number.isSafeInteger(value) ? value : undefined;
  }

  /** The value as one 16-bit number, two's complement if `signed`, whatever VR the file gives. */
  word(keyword: Keyword, signed = false): number | undefined {
    const element = this.elements.get(TAG[keyword]);
    if (element?.length !== 2) return undefined;
    return signed
      ? this.#view.getInt16(element.offset, this.#little)
      : this.#view.getUint16(element.offset, this.#little);
  }

  /** The items of a sequence; none if it is absent. */
  items(keyword: Keyword): readonly AttributeValues[] {
    return this.elements.get(TAG[keyword])?.items ?? [];
  }

  /** The bytes of a value, a view into the file. */
  bytesOf(keyword: Keyword): Uint8Array | undefined {
    const element = this.elements.get(TAG[keyword]);
    return element && this.#bytes.subarray(element.offset, element.offset + element.length);
  }

  /**
   * A numeric attribute as the file has it, for messages: text with escaped control characters, or numbers.
   *
   * @returns at most about 64 characters; `undefined` if it is absent or empty
   */
  found(keyword: Keyword): string | undefined {
    const element = this.elements.get(TAG[keyword]);
    if (!element || element.length === 0) return undefined;
    const vr = numericVr(element, keyword);
    if (SIZES[vr] === undefined) return shown(this.#raw(keyword)!);
    const values = this.#binary(element, vr, SIZES[vr]);
    return values ? shown(values.join('\\')) : `${element.length} bytes`;
  }

  /** What was repaired to read the numbers of this level and of its items, one sentence per attribute. */
  repairs(): string[] {
    const sentences = new Map<string, string>();
    this.#collectRepairs(sentences);
    return [...sentences.values()];
  }

  #collectRepairs(sentences: Map<string, string>): void {
    for (const [tag, element] of this.elements) {
      const keyword = KEYWORD_OF.get(tag)!;
      for (const item of element.items ?? []) item.#collectRepairs(sentences);
      if (!/^[DI]S$/.test(numericVr(element, keyword)) || sentences.has(keyword)) continue;
      const raw = this.#raw(keyword);
      if (raw === undefined || !/,|\\[\\ \0]*$/.test(raw)) continue;
      const { repairs } = parseNumbers(raw);
      if (repairs.length > 0) sentences.set(keyword, `${keyword} "${shown(raw)}" has ${repairs.join(' and ')}`);
    }
  }

  /** The bytes of a text as Latin-1: one character per byte. */
  #raw(keyword: Keyword): string | undefined {
    const element = this.elements.get(TAG[keyword]);
    if (!element || element.length === 0) return undefined;
    const end = element.offset + Math.min(element.length, LONGEST_TEXT);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + element.offset, end - element.offset).toString(
      'latin1',
    );
  }

  #binary(element: Element, vr: string, size: number): readonly number[] | undefined {
    const count = Math.min(element.length, LONGEST_TEXT) / size;
    if (!Number.isInteger(count)) return undefined;
    const values: number[] = [];
    for (let i = 0; i < count; i++) {
      const value = this.#numberAt(vr, element.offset + i * size);
      if (!Number.isFinite(value)) return undefined;
      values.push(value);
    }
    return values;
  }

  #numberAt(vr: string, position: number): number {
    const [view, little] = [this.#view, this.#little];
    switch (vr) {
      case 'US':
        return view.getUint16(position, little);
      case 'SS':
        return view.getInt16(position, little);
      case 'UL':
        return view.getUint32(position, little);
      case 'SL':
        return view.getInt32(position, little);
      case 'FL':
        return view.getFloat32(position, little);
      default:
        return view.getFloat64(position, little);
    }
  }
}

/** The VR to read a numeric attribute with: that of the file if it is one for numbers, else that of the standard. */
function numericVr({ vr }: Element, keyword: Keyword): string {
  return vr !== undefined && (SIZES[vr] !== undefined || vr === 'DS' || vr === 'IS') ? vr : vrOf(keyword);
}
