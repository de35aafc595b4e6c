/**
 * Finds known words in the free texts of an image's header: SeriesDescription, ProtocolName, StudyDescription and
 * BodyPartExamined. Each word comes with its attribute. A text is searched once, however many images have it.
 */

import type { InstanceFacts } from '../dicom/index.ts';
import { type Meaning, SILENT } from './lexicon.ts';
import { type FoundWord, findWords } from './words.ts';

export type TextAttribute = 'SeriesDescription' | 'ProtocolName' | 'StudyDescription' | 'BodyPartExamined';

export interface Said extends FoundWord {
  readonly attribute: TextAttribute;
}

/** Words about the content of the image. If SeriesDescription has none of them, those of ProtocolName count. */
const CONTENT: ReadonlySet<Meaning> = new Set([
  't1',
  't2',
  'stir',
  'proton_density',
  'gradient_echo',
  'diffusion',
  'other_technique',
  'myelography',
  'localizer',
  'derived',
  'capture',
]);
const REGIONS: ReadonlySet<Meaning> = new Set(['lumbar', 'other_part', 'other_part_weak', 'other_part_code']);

/** `the word "loc" in SeriesDescription`. */
export function quote(said: Said): string {
  return `the word "${said.word}" in ${said.attribute}`;
}

/** Finds words in texts and caches the results. */
export class Texts {
  readonly #words = new Map<string, readonly FoundWord[]>();

  /** Planes, weightings, techniques and purposes named in SeriesDescription, otherwise in ProtocolName. */
  kindWords(facts: InstanceFacts): readonly Said[] {
    const own = this.#said(facts, 'SeriesDescription', (meaning) => !REGIONS.has(meaning));
    if (own.some(({ meaning }) => CONTENT.has(meaning))) return own;
    return [...own, ...this.#said(facts, 'ProtocolName', (meaning) => CONTENT.has(meaning))];
  }

  /** The parts of the body that one attribute names. */
  regionWords(facts: InstanceFacts, attribute: TextAttribute): readonly Said[] {
    return this.#said(facts, attribute, (meaning) => REGIONS.has(meaning));
  }

  #said(facts: InstanceFacts, attribute: TextAttribute, wanted: (meaning: Meaning) => boolean): Said[] {
    return this.#read(textOf(facts, attribute))
      .filter(({ meaning }) => !SILENT.has(meaning) && wanted(meaning))
      .map((found) => ({ ...found, attribute }));
  }

  #read(text: string | undefined): readonly FoundWord[] {
    if (!text) return [];
    const known = this.#words.get(text) ?? findWords(text);
    this.#words.set(text, known);
    return known;
  }
}

function textOf(facts: InstanceFacts, attribute: TextAttribute): string | undefined {
  switch (attribute) {
    case 'SeriesDescription':
      return facts.seriesDescription;
    case 'ProtocolName':
      return facts.protocolName;
    case 'StudyDescription':
      return facts.studyDescription;
    case 'BodyPartExamined':
      return facts.bodyPartExamined;
  }
}
