/**
 * How severe a target is: finds the views of every target, and turns the models' logits into probabilities. Source of
 * the rules: docs/pipeline.md, "Severities".
 */

import { type Flag, LEVELS, TARGETS, type Target, round } from '../domain/index.ts';
import type { SampleOutput } from '../inference/index.ts';
import type { BundleOf } from '../models/index.ts';
import { type CropArray, type CropsArtefact, type SeverityArtefact, sideRow } from './artefacts.ts';

/** The views of a target: rows of the crop arrays, by ONNX input name. */
export interface TargetViews {
  readonly target: Target;
  readonly views: Readonly<
    Record<string, { readonly array: CropArray; readonly row: number; readonly present: boolean }>
  >;
}

/** Probabilities of normal/mild, moderate, severe. */
export type Severities = [number, number, number];

/** The views of all 25 targets, in target order. */
export function targetViews(crops: CropsArtefact): TargetViews[] {
  return TARGETS.map((target): TargetViews => {
    const level = LEVELS.indexOf(target.level);
    const view = (array: CropArray, row: number) => ({
      array,
      row,
      present: Boolean(crops.arrays[array]?.rows[row]),
    });
    if (target.task === 'scs') {
      return { target, views: { sagittal: view('sagittal_t2', level), axial: view('axial_middle', level) } };
    }
    const row = sideRow(target.side!, level);
    const axial = view('axial_sides', row);
    return { target, views: target.task === 'nfn' ? { sagittal: view('sagittal_t1', row), axial } : { axial } };
  });
}

/** Whether a target has a view. Without any view no model runs for it. */
export function hasView({ views }: TargetViews): boolean {
  return Object.values(views).some(({ present }) => present);
}

/** Softmax of each member's logits, then the weighted mean of the probabilities. */
export function meanSeverities(members: readonly { weight: number; output: SampleOutput }[]): Severities {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const mean: Severities = [0, 0, 0];
  for (const { weight, output } of members) {
    const logits = output.logits!.data;
    const top = Math.max(...logits);
    const exponentials = [...logits].map((logit) => Math.exp(logit - top));
    const sum = exponentials.reduce((a, b) => a + b, 0);
    for (let severity = 0; severity < 3; severity++)
      mean[severity]! += ((weight / total) * exponentials[severity]!) / sum;
  }
  return mean;
}

/** The result of a target without any view: the training set's class shares for its condition and level. */
export function classSharesOf(bundle: Pick<BundleOf<3>, 'classShares'>, { condition, level }: Target): Severities {
  const shares = bundle.classShares[condition][level];
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => round(share / sum, 8)) as Severities;
}

/** `severity.json`: the models' probabilities, and class shares (flagged) for targets without any view. */
export function severityArtefact(
  bundle: BundleOf<3>,
  all: readonly TargetViews[],
  scored: ReadonlyMap<string, Severities>,
): SeverityArtefact {
  const severities: Record<string, Severities> = {};
  const classShares: string[] = [];
  const flags: Flag[] = [];
  for (const one of all) {
    const { name, condition, level } = one.target;
    const found = scored.get(name);
    if (found) {
      severities[name] = found.map((value) => round(value, 8)) as Severities;
      const missing = Object.entries(one.views).filter(([, { present }]) => !present);
      for (const [view] of missing) flags.push({ code: 'view_missing', condition, level, detail: view });
    } else {
      severities[name] = classSharesOf(bundle, one.target);
      classShares.push(name);
      flags.push({ code: 'class_shares_used', condition, level });
    }
  }
  return { schema: 'spineline.severity/1', severities, classShares, flags };
}
