/**
 * T1, T2 or neither: what timing, AcquisitionContrast and words say about a stack, and which of them counts.
 *
 * Without a description, the first of these counts: words that name a technique whose timing can look like T1 or T2
 * (diffusion, perfusion, myelography, dark fluid); the clear timing of a spin echo; AcquisitionContrast; other words; a
 * timing that is only likely. Contradictions are reported.
 */

import { quote, type Said } from './texts.ts';
import type { Evidence, Timing } from './timing.ts';

export type Weighting = 't1' | 't2';

/** What each source says. */
export interface WeightingEvidence {
  readonly timing: Timing;
  /** AcquisitionContrast (0008,9209), PS3.3 C.8.13.3. */
  readonly declared: Evidence | undefined;
  readonly words: Evidence | undefined;
  /** The words name a technique that timing cannot disprove. */
  readonly technique: boolean;
}

/** The weighting of a stack by its header alone. */
export interface Weighed {
  readonly says: Weighting | 'other' | undefined;
  /** A noun phrase: the evidence. */
  readonly reason: string | undefined;
}

const CONTRASTS: Readonly<Record<string, Evidence['says']>> = {
  T1: 't1',
  T2: 't2',
  STIR: 't2',
  DIFFUSION: 'other',
  FLOW_ENCODED: 'other',
  FLUID_ATTENUATED: 'other',
  PERFUSION: 'other',
  PROTON_DENSITY: 'other',
  T2_STAR: 'other',
  TAGGING: 'other',
  TOF: 'other',
};

/**
 * Evidence from AcquisitionContrast, otherwise from value 3 of ImageType, which has the same terms in enhanced images
 * (PS3.3 C.8.13.1.1.1). None for UNKNOWN, MIXED and values that are not in the standard.
 */
export function declaredWeighting(contrast: string | undefined, flavour: string | undefined): Evidence | undefined {
  return declared('AcquisitionContrast', contrast) ?? declared('ImageType', flavour);
}

function declared(attribute: string, text: string | undefined): Evidence | undefined {
  const value = text?.trim().toUpperCase();
  const says = value === undefined || !Object.hasOwn(CONTRASTS, value) ? undefined : CONTRASTS[value];
  return says && { says, clear: true, text: `${attribute} ${value}` };
}

/** A myelogram has an echo time of several hundred ms, a T2 series of the spine about 100 ms. */
const T2_AT_MOST_MS = 150;

/** Evidence from words; none if they name no weighting, or several, as dual echoes do (`PD/T2`). */
export function spokenWeighting(
  words: readonly Said[],
  timing: Timing,
): { evidence: Evidence | undefined; technique: boolean } {
  const find = (...meanings: Said['meaning'][]) => words.find(({ meaning }) => meanings.includes(meaning));
  // `T2 sag myelo` may be the plain T2 series of a protocol for myelography. The timing decides.
  const plainT2 = find('t2') && timing.clear && timing.says === 't2' && timing.echoTimeMs! <= T2_AT_MOST_MS;
  const technique = find('diffusion', 'other_technique') ?? (plainT2 ? undefined : find('myelography'));
  if (technique) return { evidence: evidence('other', technique), technique: true };
  const gradient = find('gradient_echo');
  if (gradient) return { evidence: evidence('other', gradient), technique: false };
  const named = [
    ['t1', find('t1')],
    ['t2', find('t2', 'stir')],
    ['other', find('proton_density')],
  ] as const;
  const said = named.filter(([, word]) => word !== undefined);
  return { evidence: said.length === 1 ? evidence(said[0]![0], said[0]![1]!) : undefined, technique: false };
}

function evidence(says: Evidence['says'], said: Said): Evidence {
  return { says, clear: false, text: quote(said) };
}

/** The weighting by the header alone. */
export function weighHeader({ timing, declared, words, technique }: WeightingEvidence): Weighed {
  const by = (source: Evidence): Weighed => ({ says: source.says, reason: source.text });
  if (technique) return by(words!);
  if (timing.gradientEcho) return by(timing);
  // A word such as MERGE may be part of a company name. A spin echo in the header disproves it.
  const disprovable = words?.says !== 'other' || timing.spinEcho;
  if (timing.clear && disprovable) return by(timing);
  if (declared) return by(declared);
  if (words) return by(words);
  if (timing.says) return by(timing);
  return { says: undefined, reason: undefined };
}

/**
 * Every source that contradicts `weighting`: its text, such as `EchoTime 12 ms, RepetitionTime 500 ms`, and what it
 * says.
 */
export function dissent(
  { timing, declared, words }: WeightingEvidence,
  weighting: Weighting,
): { readonly says: string; readonly text: string }[] {
  return [timing, declared, words]
    .filter((source) => source !== undefined)
    .filter(({ says, text }) => says !== undefined && says !== weighting && text !== '')
    .map(({ says, text }) => ({ says: says === 'other' ? `neither T1 nor T2` : says!.toUpperCase(), text }));
}
