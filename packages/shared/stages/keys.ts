/**
 * What each stage output is made of, and so what its stage key contains. Workers use it to make outputs; `plan` and
 * `gc` use it to find out which outputs exist. docs/architecture.md, "Stage keys", has the table.
 */

import type { StudyEntry } from '../dataset/index.ts';
import { STEPS } from '../domain/index.ts';
import type { BundleOf, BundlePin } from '../models/index.ts';
import { digestOf, type Made } from '../store/index.ts';
import { pixelDigest, type SeriesIndex, type XyArtefact, xyDigest, type ZArtefact, zDigest } from './artefacts.ts';

/**
 * Locations and fingerprints identify the input: a changed file is another input, and no file is opened if the output
 * exists. Problems of the dataset and rejected images are input too, since the index reports them.
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

/** Digests of what stage 2 takes from stage 1: the pixels of used series, and the slices of the levels. */
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

/** Crops need no model, only the windows, sizes and normalisation in the severity bundle. */
export function madeOfCrops({ pixels }: Stage1Gives, { xy }: XyGives, settings: BundleOf<3>['crops']): Made {
  return { contract: STEPS.crops.contract, settings, inputs: { pixels, xy } };
}

/** @param crops SHA-256 of every object of the crops' output, by name. */
export function madeOfStage3(crops: Readonly<Record<string, string>>, bundle: BundlePin): Made {
  return { contract: STEPS.stage3.contract, bundle, inputs: crops };
}
