/**
 * What each stage output is made of: the one place that says it, for the workers that make outputs and for whoever wants
 * to know beforehand which of them are there. docs/architecture.md, "Stage keys", has the table.
 */

import type { StudyEntry } from '../dataset/index.ts';
import { STEPS } from '../domain/index.ts';
import type { BundleOf, BundlePin } from '../models/index.ts';
import { digestOf, type Made } from '../store/index.ts';
import { pixelDigest, type SeriesIndex, type XyArtefact, xyDigest, type ZArtefact, zDigest } from './artefacts.ts';

/**
 * Locations and fingerprints name the input: a file that changed is another input, and nothing is opened on a hit. What
 * was odd about the dataset becomes flags of the index, so it is input too, and so is what was not taken into the dataset.
 */
export function madeOfStage1(study: StudyEntry, bundle: BundlePin): Made {
  const inputs = digestOf({
    problems: study.problems ?? null,
    series: study.series.map(({ series, kind, trust, instances, problems }) => ({
      series,
      kind: kind ?? null,
      ...(trust && { trust }),
      instances,
      problems: problems ?? null,
    })),
    ...(study.rejected && { rejected: study.rejected }),
  });
  return { contract: STEPS.stage1.contract, bundle, inputs };
}

/** Digests of what stage 2 takes from stage 1: the pixels in use, and the slices that were found. */
export interface Stage1Gives extends Record<string, string> {
  readonly pixels: string;
  readonly z: string;
}

export function stage1Gives(index: SeriesIndex, z: ZArtefact): Stage1Gives {
  return { pixels: pixelDigest(index), z: zDigest(z) };
}

export function madeOfXy({ pixels, z }: Stage1Gives, bundle: BundlePin): Made {
  return { contract: STEPS.xy.contract, bundle, inputs: { pixels, z } };
}

/** Digest of what the crops take from the points. */
export interface XyGives extends Record<string, string> {
  readonly xy: string;
}

export function xyGives(xy: XyArtefact): XyGives {
  return { xy: xyDigest(xy) };
}

/** No model makes crops: the windows, sizes and normalisation in the severity bundle do. */
export function madeOfCrops({ pixels }: Stage1Gives, { xy }: XyGives, settings: BundleOf<3>['crops']): Made {
  return { contract: STEPS.crops.contract, settings, inputs: { pixels, xy } };
}

/** @param crops SHA-256 of every object of the crops' output, by name. */
export function madeOfStage3(crops: Readonly<Record<string, string>>, bundle: BundlePin): Made {
  return { contract: STEPS.stage3.contract, bundle, inputs: crops };
}
