/**
 * Which of several stacks of one kind is read. They are compared trait by trait, in the order of `TRAITS`. The first
 * trait in which they differ decides, and `whyPreferred` names it. Source: docs/pipeline.md, "Which series".
 *
 * `stages/series-choice.ts` also considers which T2 series shares its frame of reference with the axial series.
 */

/** The traits that decide the preference. */
export interface StackTraits {
  readonly weighting: 't1' | 't2';
  /** ImageType says DERIVED or SECONDARY (PS3.3 C.7.6.1.1.2). */
  readonly derived: boolean;
  readonly lumbar: boolean;
  readonly contrastAgent: boolean;
  readonly fatSaturation: boolean;
  readonly outOfPhase: boolean;
  /** Long enough, from head to feet, for five levels; true if the length is unknown. */
  readonly longEnough: boolean;
  /** Number of different positions. */
  readonly slices: number;
}

interface Trait {
  /** The higher the better; 1 stands for yes. */
  readonly of: (traits: StackTraits) => number;
  /** Why a stack is preferred to one that is worse in this trait, one sentence without a full stop. */
  readonly why: (other: { readonly slices: number }) => string;
  /** Added to the reasons of a stack that lacks the trait. */
  readonly lacking?: string;
}

/** Sagittal slices are 4 to 5 mm apart. Five of them just cover the width of the canal. */
const FEWEST_SLICES = 5;
/** More slices than this are not better: very thin slices show no more. */
const MOST_SLICES = 400;

const isT1 = ({ weighting }: StackTraits) => weighting === 't1';

/** The most important first. */
const TRAITS = {
  /** A fragment is never preferred to a whole series, however good its images are. */
  complete: {
    of: ({ slices, longEnough }) => Number(slices >= FEWEST_SLICES && longEnough),
    why: ({ slices }) =>
      slices < FEWEST_SLICES
        ? `the other one has fewer than ${FEWEST_SLICES} slices`
        : 'the other one is too short for the lumbar spine',
  },
  original: {
    of: ({ derived }) => Number(!derived),
    why: () => 'the other one is derived from other images',
    lacking: 'preferred less: ImageType says derived from other images',
  },
  inPhase: {
    of: ({ outOfPhase }) => Number(!outOfPhase),
    why: () => 'the other one has fat and water out of phase',
    lacking: 'preferred less: fat and water out of phase',
  },
  lumbar: { of: ({ lumbar }) => Number(lumbar), why: () => 'its header names the lumbar spine' },
  /** For T1 only: on T2 a contrast agent shows little. */
  withoutAgent: {
    of: (traits) => Number(!(isT1(traits) && traits.contrastAgent)),
    why: () => 'the other one has contrast agent',
    lacking: 'preferred less: contrast agent',
  },
  fatKept: {
    of: (traits) => Number(!(isT1(traits) && traits.fatSaturation)),
    why: () => 'the other one has fat saturation',
    lacking: 'preferred less: fat saturation',
  },
  /** Decides between two fragments. */
  longEnough: {
    of: ({ longEnough }) => Number(longEnough),
    why: () => 'the other one is too short for the lumbar spine',
  },
  slices: { of: ({ slices }) => Math.min(slices, MOST_SLICES), why: () => 'it has more slices' },
  plainT2: {
    of: (traits) => Number(isT1(traits) || !traits.fatSaturation),
    why: () => 'the other one is STIR or has fat saturation',
    lacking: 'STIR or fat saturation',
  },
} as const satisfies Record<string, Trait>;

type TraitName = keyof typeof TRAITS;
const NAMES = Object.keys(TRAITS) as TraitName[];

/** A number per trait, the higher the better. */
export type Preference = Readonly<Record<TraitName, number>>;

/** Anything with a preference, such as an assessment. */
export interface Preferred {
  readonly preference: Preference;
}

/** The preference of a stack that is not read: below all others. */
export const NOT_PREFERRED: Preference = preferenceBy(() => 0);

/** The preference of a stack, and its reasons, each a short sentence. */
export function preferenceOf(traits: StackTraits): { preference: Preference; reasons: string[] } {
  const preference = preferenceBy((name) => TRAITS[name].of(traits));
  const reasons = NAMES.flatMap((name) => {
    const { lacking }: Trait = TRAITS[name];
    return lacking !== undefined && preference[name] === 0 ? [lacking] : [];
  });
  return { preference, reasons };
}

/** Negative if `a` is preferred to `b`, 0 if all traits are equal. */
export function comparePreference(a: Preferred, b: Preferred): number {
  const name = decisive(a, b);
  return name === undefined ? 0 : b.preference[name] - a.preference[name];
}

/**
 * Why `chosen` is preferred to `other`, one sentence without a full stop, such as `it has more slices`.
 *
 * @returns `undefined` if the traits do not prefer it.
 */
export function whyPreferred(chosen: Preferred, other: Preferred): string | undefined {
  const name = decisive(chosen, other);
  return name !== undefined && comparePreference(chosen, other) < 0 ? TRAITS[name].why(other.preference) : undefined;
}

/** The first trait in which two stacks differ. */
function decisive(a: Preferred, b: Preferred): TraitName | undefined {
  return NAMES.find((name) => a.preference[name] !== b.preference[name]);
}

function preferenceBy(figureOf: (name: TraitName) => number): Preference {
  return Object.fromEntries(NAMES.map((name) => [name, figureOf(name)])) as Preference;
}
