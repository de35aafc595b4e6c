/**
 * The weighting of a sequence by its timing. The bounds are this project's own. They include the usual spin-echo
 * sequences of the spine at 1.5 T and 3 T. Between the weightings is a gap in which the timing decides nothing. Source:
 * docs/pipeline.md, "Which series".
 */

import { medianOfMost } from './majority.ts';
import type { Unit } from './series-stack.ts';

/** What one source says about the weighting. `other`: surely neither T1 nor T2. */
export interface Evidence {
  readonly says: 't1' | 't2' | 'other' | undefined;
  /** Whether it outweighs a description by a person. */
  readonly clear: boolean;
  /** The figures, for a reason, such as `EchoTime 105 ms, RepetitionTime 3500 ms`. */
  readonly text: string;
}

export interface Timing extends Evidence {
  /** ScanningSequence names a spin echo and no gradient echo. */
  readonly spinEcho: boolean;
  /** ScanningSequence names a gradient echo or an echo-planar read-out and no plain spin echo. */
  readonly gradientEcho: boolean;
  /** An inversion that suppresses fat: STIR. */
  readonly stir: boolean;
  /** Median EchoTime, ms. */
  readonly echoTimeMs: number | undefined;
}

interface Times {
  readonly te: number | undefined;
  readonly tr: number | undefined;
  readonly ti: number | undefined;
}

/** The timing of a stack, by medians over its images. A figure that half of the images lack is ignored. */
export function timingOfStack(units: readonly Unit[]): Timing {
  const te = medianOfMost(units.map(({ facts, frame }) => positive(frame.echoTimeMs ?? facts.echoTimeMs)));
  const tr = medianOfMost(units.map(({ facts }) => positive(facts.repetitionTimeMs)));
  const ti = medianOfMost(units.map(({ facts }) => positive(facts.inversionTimeMs)));
  const sequences = usualSequences(units);
  const planar = sequences.has('EP');
  const gradient = sequences.has('GR') || sequences.has('GRADIENT');
  const spin = sequences.has('SE') || sequences.has('SPIN');
  // A small flip angle without ScanningSequence means a gradient echo.
  const flip = medianOfMost(units.map(({ facts }) => positive(facts.flipAngle)));
  const small = sequences.size === 0 && flip !== undefined && flip <= 50;
  // GRASE has the codes of both and looks like a spin echo, but proves nothing.
  const gradientEcho = planar || small || (gradient && !spin);
  const said = gradientEcho || gradient || sequences.has('BOTH') ? NOTHING : weigh({ te, tr, ti });
  const text = textOf({ te, tr, ti }, gradientEcho, small ? [`FlipAngle ${flip}`] : [...sequences].sort());
  // IR is only the preparation: with GR it is MPRAGE, alone it is a spin echo.
  const spinEcho = (spin || sequences.has('IR')) && !gradient && !planar;
  return {
    ...said,
    says: gradientEcho ? 'other' : said.says,
    text,
    spinEcho,
    gradientEcho,
    stir: isStir({ te, tr, ti }),
    echoTimeMs: te,
  };
}

/** ScanningSequence, or EchoPulseSequence of enhanced images: the codes that more than half of the images have. */
function usualSequences(units: readonly Unit[]): Set<string> {
  const counts = new Map<string, number>();
  for (const { facts } of units) {
    for (const value of new Set(facts.scanningSequence)) {
      const code = value.trim().toUpperCase();
      if (code !== '') counts.set(code, (counts.get(code) ?? 0) + 1);
    }
  }
  return new Set([...counts].filter(([, count]) => count * 2 > units.length).map(([code]) => code));
}

/** The weighting of one image, if its timing is clear. */
export function clearWeighting({ facts, frame }: Unit): 't1' | 't2' | undefined {
  if (facts.scanningSequence.some((value) => /^(GR|EP|GRADIENT|BOTH)$/i.test(value.trim()))) return undefined;
  const te = positive(frame.echoTimeMs ?? facts.echoTimeMs);
  const said = weigh({ te, tr: positive(facts.repetitionTimeMs), ti: positive(facts.inversionTimeMs) });
  return said.clear && said.says !== 'other' ? said.says : undefined;
}

type Weighed = Pick<Evidence, 'says' | 'clear'>;
const NOTHING: Weighed = { says: undefined, clear: false };

/**
 * T1 has short TE and TR, T2 long ones, proton density a short TE and a long TR. An inversion time of 80-300 ms
 * suppresses fat (STIR, read as T2). One of 400-1300 ms with a short TE is T1 FLAIR. A longer one with a long TE
 * darkens the fluid of the canal, which is bright on T2.
 */
function weigh({ te, tr, ti }: Times): Weighed {
  if (te === undefined || tr === undefined) return NOTHING;
  if (ti !== undefined) {
    if (isStir({ te, tr, ti })) return { says: 't2', clear: tr >= 2000 };
    if (ti >= 400 && ti <= 1300 && te <= 45) return { says: 't1', clear: te <= 35 && tr >= 1200 };
    if (ti >= 1500 && te >= 60) return { says: 'other', clear: true };
    // An inversion time of no known use: the bounds below would only guess.
    return NOTHING;
  }
  if (te >= 60 && tr >= 1500) return { says: 't2', clear: te >= 70 && tr >= 2000 };
  if (te <= 35 && tr <= 1200) return { says: 't1', clear: te <= 30 && tr <= 1000 };
  // At most 30 ms: a STIR series whose InversionTime was removed has a TE of 30 ms or more.
  return te <= 30 && tr >= 1500 ? { says: 'other', clear: false } : NOTHING;
}

function isStir({ tr, ti }: Times): boolean {
  return ti !== undefined && ti >= 80 && ti <= 300 && tr !== undefined && tr >= 1500;
}

function textOf({ te, tr, ti }: Times, gradientEcho: boolean, sequences: readonly string[]): string {
  const ms = (name: string, value: number | undefined) =>
    value === undefined ? [] : [`${name} ${Number(value.toFixed(1))} ms`];
  // Known codes only (PS3.3 C.8.3.1, C.8.13.4): anything else could be a free text.
  const codes = sequences.filter((code) => /^(SE|IR|GR|EP|RM|SPIN|GRADIENT|BOTH|FlipAngle \d+(\.\d+)?)$/.test(code));
  return [
    ...(gradientEcho && codes.length > 0
      ? [`ScanningSequence ${codes.join('\\')}`.replace('ScanningSequence Flip', 'Flip')]
      : []),
    ...ms('EchoTime', te),
    ...ms('RepetitionTime', tr),
    ...ms('InversionTime', ti),
  ].join(', ');
}

/** Vendors write 0 if there is no inversion or echo. */
function positive(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) && value > 0 ? value : undefined;
}
