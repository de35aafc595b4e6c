/**
 * Whether an image shows the lumbar spine, according to its header. It is rejected as another part of the body only if
 * the header is clear: SPINE, WHOLESPINE, ABDOMEN, PELVIS or an absent value are no reason.
 *
 * SeriesDescription is about the series and counts first: in an examination of neck and lower back the cervical series
 * is cervical. The other attributes are often left over from another examination, so there one word for the lumbar
 * spine outweighs all other words. A StudyDescription that names the lumbar spine and another part decides nothing.
 */

import type { InstanceFacts } from '../dicom/index.ts';
import type { Meaning } from './lexicon.ts';
import { quote, type Said, type TextAttribute, type Texts } from './texts.ts';

export interface Region {
  readonly is: 'lumbar' | 'other' | 'unknown';
  /** The word that says so. */
  readonly reason: string | undefined;
}

const UNKNOWN: Region = { is: 'unknown', reason: undefined };

/** The meanings that stand for another part of the body, per attribute. */
const OTHER: Readonly<Record<TextAttribute, readonly Meaning[]>> = {
  SeriesDescription: ['other_part'],
  ProtocolName: ['other_part'],
  BodyPartExamined: ['other_part', 'other_part_weak', 'other_part_code'],
  StudyDescription: ['other_part', 'other_part_weak'],
};

/** The region of one image. */
export function regionOf(facts: InstanceFacts, texts: Texts): Region {
  const read = (attribute: TextAttribute) => {
    const words = texts.regionWords(facts, attribute);
    const lumbar = words.find(({ meaning }) => meaning === 'lumbar');
    const other = words.find(({ meaning }) => OTHER[attribute].includes(meaning));
    return { lumbar, other };
  };
  const series = read('SeriesDescription');
  if (series.lumbar) return region('lumbar', series.lumbar);
  if (series.other) return region('other', series.other);

  const protocol = read('ProtocolName');
  const part = read('BodyPartExamined');
  const study = read('StudyDescription');
  const lumbar = protocol.lumbar ?? part.lumbar ?? (study.other ? undefined : study.lumbar);
  if (lumbar) return region('lumbar', lumbar);
  const other = part.other ?? protocol.other ?? (study.lumbar ? undefined : study.other);
  return other ? region('other', other) : UNKNOWN;
}

function region(is: 'lumbar' | 'other', said: Said): Region {
  return { is, reason: quote(said) };
}
