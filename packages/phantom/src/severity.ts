/**
 * The severity of each of a study's 25 targets: a narrowing in [0, 1) of the anatomy, divided into three classes.
 *
 * Narrowings are correlated between levels and conditions, as in patients, by a factor per patient and one per level.
 * The frequencies per level follow the training set of the RSNA 2024 challenge: L4/L5 is worst, severe is rare.
 */

import {
  LEVELS,
  type Level,
  SEVERITIES,
  type Severity,
  TARGETS,
  type Target,
  type Task,
} from '@spineline/shared/domain';
import type { Random } from './random.ts';

/** Below the first limit the narrowing is normal or mild, below the second moderate, above it severe. */
const CLASS_LIMITS = [0.4, 0.65] as const;

export interface TargetSeverity {
  readonly target: Target;
  /** Share of the structure's normal width that is lost, in [0, 1). */
  readonly narrowing: number;
  readonly severity: Severity;
}

/** Shares of moderate and severe by task and level; all others are normal or mild. */
const FREQUENCIES: Readonly<Record<Task, Readonly<Record<Level, readonly [number, number]>>>> = {
  scs: {
    l1_l2: [0.04, 0.01],
    l2_l3: [0.07, 0.04],
    l3_l4: [0.1, 0.06],
    l4_l5: [0.14, 0.13],
    l5_s1: [0.05, 0.01],
  },
  nfn: {
    l1_l2: [0.06, 0.005],
    l2_l3: [0.11, 0.015],
    l3_l4: [0.2, 0.03],
    l4_l5: [0.3, 0.06],
    l5_s1: [0.29, 0.1],
  },
  ss: {
    l1_l2: [0.07, 0.03],
    l2_l3: [0.13, 0.06],
    l3_l4: [0.22, 0.1],
    l4_l5: [0.31, 0.24],
    l5_s1: [0.27, 0.08],
  },
};

/** Severities of a study's 25 targets, in the order of TARGETS. */
export function drawSeverities(random: Random): TargetSeverity[] {
  const patient = random.normal();
  const levels = new Map(LEVELS.map((level) => [level, random.normal()]));
  const sides = new Map([...LEVELS].map((level) => [level, random.normal()]));
  return TARGETS.map((target) => {
    const side =
      target.side === undefined ? random.normal() : sides.get(target.level)! * (target.side === 'left' ? 1 : -1);
    // The squared weights sum to one, so that the latent value stays a standard Gaussian.
    const latent =
      Math.sqrt(0.25) * patient +
      Math.sqrt(0.3) * levels.get(target.level)! +
      Math.sqrt(0.1) * side +
      Math.sqrt(0.35) * random.normal();
    return severityAt(target, standardNormalCdf(latent));
  });
}

/** Severity and narrowing of a rank: each class has its own part of the scale, filled by rank. */
function severityAt(target: Target, rank: number): TargetSeverity {
  const [moderate, severe] = FREQUENCIES[target.task][target.level];
  const normal = 1 - moderate - severe;
  const [low, high] = CLASS_LIMITS;
  const narrowing =
    rank < normal
      ? low * (rank / normal) ** 1.4
      : rank < normal + moderate
        ? low + (high - low) * ((rank - normal) / moderate)
        : high + (0.97 - high) * Math.min(1, (rank - normal - moderate) / severe);
  return { target, narrowing, severity: severityOf(narrowing) };
}

/** The narrowing of a forced severity: clearly within its class. */
const FORCED_NARROWING: Readonly<Record<Severity, number>> = { normal_mild: 0.1, moderate: 0.52, severe: 0.85 };

/** Severities as drawn, except for the targets in `forced`. */
export function forceSeverities(
  drawn: readonly TargetSeverity[],
  forced: Readonly<Record<string, Severity>> = {},
): TargetSeverity[] {
  return drawn.map((one) => {
    const severity = forced[one.target.name];
    return severity ? { target: one.target, narrowing: FORCED_NARROWING[severity], severity } : one;
  });
}

export function severityOf(narrowing: number): Severity {
  return SEVERITIES[narrowing < CLASS_LIMITS[0] ? 0 : narrowing < CLASS_LIMITS[1] ? 1 : 2];
}

/** Abramowitz and Stegun 7.1.26, absolute error below 2e-7. */
function standardNormalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const half = (poly * Math.exp(-x * x)) / 2;
  return z > 0 ? 1 - half : half;
}
