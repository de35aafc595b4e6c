/**
 * Which of several stacks of one kind is read. The first difference in this list counts: original before derived, named
 * lumbar before unknown, for T1 without contrast agent and without fat saturation, long enough for the lumbar spine, more
 * slices, plain T2 before STIR.
 *
 * `stages/series-choice.ts` asks before all that which T2 shares its frame of reference with the axial series.
 */

import type { Stack, Unit } from './series-stack.ts';
import { compareUnits } from './unit-order.ts';

export interface Traits {
  readonly weighting: 't1' | 't2';
  /** ImageType says DERIVED or SECONDARY (PS3.3 C.7.6.1.1.2). */
  readonly derived: boolean;
  readonly lumbar: boolean;
  readonly contrastAgent: boolean;
  readonly fatSaturation: boolean;
  readonly outOfPhase: boolean;
  /** Reaches as far from head to feet as five levels take; true where that cannot be told. */
  readonly longEnough: boolean;
  readonly slices: number;
}

/** More slices than this are no better: a volume cut finely shows nothing more. */
const MOST_SLICES = 400;

/** The preference of a stack, the higher the better, and its reasons, each a short sentence. */
export function preferenceOf(traits: Traits): { preference: number; reasons: string[] } {
  const t1 = traits.weighting === 't1';
  // Each weight is more than all that follow together.
  const weights: readonly (readonly [number, boolean, string | undefined])[] = [
    [32_000, !traits.derived, traits.derived ? 'preferred less: ImageType says derived from other images' : undefined],
    [16_000, !traits.outOfPhase, traits.outOfPhase ? 'preferred less: fat and water out of phase' : undefined],
    [8_000, traits.lumbar, undefined],
    [4_000, !(t1 && traits.contrastAgent), t1 && traits.contrastAgent ? 'preferred less: contrast agent' : undefined],
    [2_000, !(t1 && traits.fatSaturation), t1 && traits.fatSaturation ? 'preferred less: fat saturation' : undefined],
    [1_000, traits.longEnough, undefined],
    [0.5, t1 || !traits.fatSaturation, !t1 && traits.fatSaturation ? 'STIR or fat saturation' : undefined],
  ];
  const preference = weights.reduce((sum, [weight, has]) => sum + (has ? weight : 0), 0);
  return {
    preference: preference + Math.min(traits.slices, MOST_SLICES),
    reasons: weights.flatMap(([, , reason]) => reason ?? []),
  };
}

/** For sorting stacks of one kind, the one to read first; equal preference goes by series number, UID and instance number. */
export function compareStacks(a: Stack<Unit>, b: Stack<Unit>): number {
  const preference = b.assessment.preference - a.assessment.preference;
  if (preference !== 0 || a.units.length === 0 || b.units.length === 0) return preference;
  return compareUnits(a.units[0]!, b.units[0]!);
}
