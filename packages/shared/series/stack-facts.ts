/**
 * Collects the header facts of a stack's images; nothing is decided here. Words and values count if more than half of
 * the images have them, and numbers are medians (`majority.ts`). Plane, positions and length use only images with a
 * usable geometry.
 */

import { type Region, regionOf } from './body-region.ts';
import { type Ground, groundOf } from './foreign-images.ts';
import type { Meaning } from './lexicon.ts';
import { common, isMost, mostFrequent } from './majority.ts';
import { headToFeetMm, type Plane, planeOfStack } from './plane.ts';
import type { Unit } from './series-stack.ts';
import type { StackUnits } from './split-stacks.ts';
import { quote, type Said, type Texts } from './texts.ts';
import { timingOfStack } from './timing.ts';
import { declaredWeighting, spokenWeighting, type WeightingEvidence } from './weighting.ts';

export interface StackFacts {
  readonly plane: Plane | undefined;
  /** Images with usable position and orientation. */
  readonly placed: number;
  /** Number of different positions among those. */
  readonly slices: number;
  /** The plane that SeriesDescription names, if it names exactly one. */
  readonly spokenPlane: { readonly plane: Plane; readonly text: string } | undefined;
  readonly weighting: WeightingEvidence;
  readonly region: Region;
  /** Soft ground for rejecting the stack, such as localizer or derived. */
  readonly ground: Ground | undefined;
  readonly headToFeetMm: number | undefined;
  readonly derived: boolean;
  readonly contrastAgent: boolean;
  readonly fatSaturation: boolean;
  readonly outOfPhase: boolean;
}

/** Collects the facts of one stack. */
export function factsOfStack({ units, slices }: StackUnits<Unit>, texts: Texts): StackFacts {
  const words = commonWords(units, texts);
  const says = (meaning: Meaning) => words.find((word) => word.meaning === meaning);
  const { plane, placed } = planeOfStack(units);
  const timing = timingOfStack(units);
  const { evidence, technique } = spokenWeighting(words, timing);
  const imageTypes = (...values: string[]) =>
    isMost(units, ({ facts }) => facts.imageType.some((value) => values.includes(value.trim().toUpperCase())));
  const stir = says('stir') !== undefined && !(timing.clear && timing.says === 't2' && !timing.stir);
  return {
    plane,
    placed,
    slices,
    spokenPlane: spokenPlane(words),
    weighting: {
      timing,
      declared: declaredWeighting(
        common(units, ({ facts }) => facts.acquisitionContrast),
        common(units, ({ facts }) => facts.imageType[2]),
      ),
      words: evidence,
      technique,
    },
    region: commonRegion(units, texts),
    ground: commonGround(units, texts),
    headToFeetMm: headToFeetMm(units),
    derived: imageTypes('DERIVED', 'SECONDARY'),
    contrastAgent:
      isMost(units, ({ facts }) => facts.contrastAgent) ||
      (says('contrast_agent') !== undefined && says('no_contrast_agent') === undefined),
    fatSaturation:
      stir ||
      timing.stir ||
      says('fat_saturation') !== undefined ||
      imageTypes('WATER', 'W') ||
      isMost(units, ({ facts }) => facts.scanOptions.some((value) => value.trim().toUpperCase() === 'FS')),
    outOfPhase: imageTypes('OUT_PHASE', 'OPP_PHASE', 'OUT OF PHASE', 'OP', 'OOP'),
  };
}

/** Words that more than half of the images have. */
function commonWords(units: readonly Unit[], texts: Texts): Said[] {
  const counts = new Map<string, { said: Said; images: number }>();
  const texted = new Map<string, { unit: Unit; images: number }>();
  for (const unit of units) {
    const key = `${unit.facts.seriesDescription ?? ''}\0${unit.facts.protocolName ?? ''}`;
    const there = texted.get(key);
    if (there) there.images++;
    else texted.set(key, { unit, images: 1 });
  }
  for (const { unit, images } of texted.values()) {
    const seen = new Set<string>();
    for (const said of texts.kindWords(unit.facts)) {
      const key = `${said.attribute} ${said.word}`;
      if (seen.has(key)) continue;
      seen.add(key);
      counts.set(key, { said, images: (counts.get(key)?.images ?? 0) + images });
    }
  }
  return [...counts.values()].filter(({ images }) => images * 2 > units.length).map(({ said }) => said);
}

const PLANES: readonly Plane[] = ['sagittal', 'axial', 'coronal'];

/** Texts with several planes, such as `AX FROM SAG`, name none. */
function spokenPlane(words: readonly Said[]): StackFacts['spokenPlane'] {
  const named = PLANES.flatMap((plane) => {
    const said = words.find(({ meaning }) => meaning === plane);
    return said ? [{ plane, text: quote(said) }] : [];
  });
  return named.length === 1 ? named[0] : undefined;
}

/** The region that more than half of the images show. */
function commonRegion(units: readonly Unit[], texts: Texts): Region {
  const read = new Map<string, Region>();
  const regions = units.map(({ facts }) => {
    const key = JSON.stringify([
      facts.seriesDescription,
      facts.protocolName,
      facts.bodyPartExamined,
      facts.studyDescription,
    ]);
    const region = read.get(key) ?? regionOf(facts, texts);
    read.set(key, region);
    return region;
  });
  const usual = common(regions, ({ is }) => is);
  const region = mostFrequent(
    regions.filter(({ is }) => is === usual),
    ({ reason }) => reason ?? '',
  );
  return region ?? { is: 'unknown', reason: undefined };
}

/**
 * The most frequent ground, if more than half of the images have one. A stack contains such images only if there are no
 * others, or if its description is trusted.
 */
function commonGround(units: readonly Unit[], texts: Texts): Ground | undefined {
  const grounds = units.map(({ facts }) => groundOf(facts, texts));
  if (!isMost(grounds, (ground) => ground !== undefined)) return undefined;
  return mostFrequent(
    grounds.filter((ground) => ground !== undefined),
    ({ reason }) => reason,
  );
}
