/**
 * Finds the kind of a stack from its header facts and from its description, which a person wrote.
 *
 * The plane comes from the geometry. The weighting comes from the timing where that is clear, otherwise from the
 * description; without a description it comes from the header (`weighting.ts`). A description that is trusted against
 * the header (`trusted`) always wins. Contradictions are reported. Source: docs/pipeline.md, "Which series";
 * docs/decisions/0020-descriptions-and-headers.md.
 */

import { type Kind, SERIES_DESCRIPTIONS } from '../domain/index.ts';
import type { Plane } from './plane.ts';
import { NOT_PREFERRED, preferenceOf } from './preference.ts';
import type { Assessment, Rejection } from './series-stack.ts';
import type { StackFacts } from './stack-facts.ts';
import type { Timing } from './timing.ts';
import { dissent, type Weighting, weighHeader } from './weighting.ts';

/**
 * A series shorter than this, from head to feet, cannot show all five levels. In a small adult there are four vertebral
 * bodies of about 25 mm and four discs of about 9 mm between the middles of the discs L1/L2 and L5/S1: 136 mm along the
 * spine. Lordosis shortens that by up to a tenth.
 */
const LUMBAR_SPINE_MM = 120;

const PLANE_OF: Readonly<Record<Kind, Plane>> = { sagittal_t2: 'sagittal', sagittal_t1: 'sagittal', axial_t2: 'axial' };
const WEIGHTING_OF: Readonly<Record<Kind, Weighting>> = { sagittal_t2: 't2', sagittal_t1: 't1', axial_t2: 't2' };

/** The plane that a description means. */
export function planeOfKind(kind: Kind): Plane {
  return PLANE_OF[kind];
}

/** Assesses a stack by its header alone. */
export function assessHeader(facts: StackFacts): Assessment {
  const weighed = weighHeader(facts.weighting);
  const reasons = [planeReason(facts), weighingReason(weighed)].filter((reason) => reason !== undefined);
  const rejected = (rejection: Rejection, reason: string | undefined) =>
    reject(facts, rejection, reason === undefined ? reasons : [reason, ...reasons], weighed.says);
  const { plane, ground, region, placed } = facts;

  if (ground) return rejected(ground.rejection, ground.reason);
  if (region.is === 'other') return rejected('not_lumbar', region.reason);
  if (plane === 'coronal' || (plane === undefined && placed > 0)) return rejected('other_plane', undefined);
  if (weighed.says === 'other') return rejected('other_contrast', undefined);
  if (plane === undefined) return rejected('kind_unknown', undefined);
  if (weighed.says === undefined) return rejected('kind_unknown', weightingUnknown(facts));
  if (plane === 'axial' && weighed.says === 't1')
    return rejected('other_plane', 'axial T1: of axial series only T2 is read');
  return accept(facts, kindOf(plane, weighed.says), reasons, contradictionsOf(facts, plane, weighed.says));
}

/** Assesses a stack that a person described as kind `described`. */
export function assessDescribed(facts: StackFacts, described: Kind): Assessment {
  const { timing } = facts.weighting;
  const byTiming = timing.clear && !timing.gradientEcho && timing.says !== 'other' ? timing.says : undefined;
  const weighting = byTiming ?? WEIGHTING_OF[described];
  // Without geometry, or if the stack is oblique to every plane, only the description is left.
  const plane = facts.plane ?? PLANE_OF[described];
  const reasons = [
    planeReason(facts),
    byTiming ? `${byTiming.toUpperCase()}: ${timing.text}` : undefined,
    `described as ${SERIES_DESCRIPTIONS[described]}`,
  ].filter((reason) => reason !== undefined);
  const contradictions = [
    ...(weighting === WEIGHTING_OF[described]
      ? []
      : [`described as ${SERIES_DESCRIPTIONS[described]}, but ${timing.text} is ${weighting.toUpperCase()}`]),
    ...planeContradictions(facts, described),
    ...softContradictions(facts, described),
    ...contradictionsOf(facts, plane, weighting, described),
  ];
  if (plane === 'coronal') return reject(facts, 'other_plane', reasons, weighting, contradictions);
  if (plane === 'axial' && weighting === 't1') {
    const reason = 'axial T1: of axial series only T2 is read';
    return reject(facts, 'other_plane', [reason, ...reasons], weighting, contradictions);
  }
  return accept(facts, kindOf(plane, weighting), reasons, contradictions);
}

/** Assesses a stack whose description `described` is trusted against the header. */
export function assessTrusted(facts: StackFacts, described: Kind): Assessment {
  const said = `described as ${SERIES_DESCRIPTIONS[described]}`;
  const contradictions = [
    ...planeContradictions(facts, described),
    ...softContradictions(facts, described),
    ...contradictionsOf(facts, PLANE_OF[described], WEIGHTING_OF[described], described),
  ];
  return accept(facts, described, [`${said} and trusted against the header`], contradictions);
}

/**
 * Assesses a stack that the description of its entry cannot mean: by its header, with the contradiction as the reason.
 */
export function assessBeside(own: Assessment, facts: StackFacts, described: Kind): Assessment {
  if (own.kind !== undefined) {
    const told = [...planeContradictions(facts, described), ...own.contradictions];
    return { ...own, contradictions: [...new Set(told)] };
  }
  if (own.rejection !== 'kind_unknown' || !facts.plane) return own;
  const reason = `${facts.plane} planes beside the ${PLANE_OF[described]} ones that are described`;
  return { ...own, rejection: 'other_plane', reasons: [reason, ...own.reasons] };
}

/**
 * Whether the header shows that the description cannot mean this stack, so that it must mean another stack of the
 * entry.
 */
export function isForeignTo(own: Assessment, facts: StackFacts, described: Kind): boolean {
  if (facts.plane !== undefined && facts.plane !== PLANE_OF[described]) return true;
  return own.rejection !== undefined && !['kind_unknown', 'other_plane'].includes(own.rejection);
}

function kindOf(plane: 'sagittal' | 'axial', weighting: Weighting): Kind {
  if (plane === 'axial') return 'axial_t2';
  return weighting === 't1' ? 'sagittal_t1' : 'sagittal_t2';
}

function planeReason({ plane, placed }: StackFacts): string | undefined {
  if (placed === 0) return 'no usable position and orientation';
  return plane ? `${plane} by its planes` : 'oblique: between sagittal, axial and coronal';
}

function weighingReason({ says, reason }: ReturnType<typeof weighHeader>): string | undefined {
  if (says === undefined) return undefined;
  return `${says === 'other' ? 'neither T1 nor T2' : says.toUpperCase()}: ${reason}`;
}

function weightingUnknown({ weighting: { timing } }: StackFacts): string {
  return timing.text === '' ? 'nothing says T1 or T2' : `neither clearly T1 nor T2: ${timing.text}`;
}

function planeContradictions({ plane }: StackFacts, described: Kind): string[] {
  if (plane === undefined || plane === PLANE_OF[described]) return [];
  return [`described as ${SERIES_DESCRIPTIONS[described]}, but its planes are ${plane}`];
}

/** Contradictions: grounds that would reject a stack without a description. */
function softContradictions({ ground, region }: StackFacts, described: Kind): string[] {
  const said = `described as ${SERIES_DESCRIPTIONS[described]}, but`;
  const what: Partial<Record<Rejection, string>> = {
    localizer: 'a localizer',
    derived: 'images derived from others',
    capture: 'a capture',
    other_contrast: 'another contrast',
  };
  return [
    ...(ground ? [`${said} ${ground.reason} means ${what[ground.rejection] ?? ground.rejection}`] : []),
    ...(region.is === 'other' ? [`${said} ${region.reason} means another part of the body`] : []),
  ];
}

/** Contradictions to the chosen plane and weighting. `described` is the description, if a person chose them. */
function contradictionsOf(facts: StackFacts, plane: Plane, weighting: Weighting, described?: Kind): string[] {
  const { spokenPlane } = facts;
  const { timing } = facts.weighting;
  const chosen =
    described && WEIGHTING_OF[described] === weighting
      ? `described as ${SERIES_DESCRIPTIONS[described]}, but`
      : `read as ${weighting.toUpperCase()}, but`;
  return [
    ...dissent(facts.weighting, weighting).map(({ says, text }) => `${chosen} ${text} means ${says}`),
    ...(timing.says === undefined && !isPossible(timing, weighting)
      ? [`${chosen} ${timing.text} is unusual for ${weighting.toUpperCase()}`]
      : []),
    ...(spokenPlane && spokenPlane.plane !== (facts.plane ?? plane)
      ? [`its planes are ${facts.plane ?? 'oblique'}, but ${spokenPlane.text} means ${spokenPlane.plane}`]
      : []),
  ];
}

/**
 * Whether an unclear timing is possible for a weighting: T1 never has a long echo time; T2 has a short one only as
 * STIR.
 */
function isPossible({ echoTimeMs, stir }: Timing, weighting: Weighting): boolean {
  if (echoTimeMs === undefined) return true;
  return weighting === 't1' ? echoTimeMs <= 45 : stir || echoTimeMs >= 30;
}

function accept(
  facts: StackFacts,
  kind: Kind,
  reasons: readonly string[],
  contradictions: readonly string[],
): Assessment {
  const length = facts.headToFeetMm;
  const short = kind !== 'axial_t2' && length !== undefined && length < LUMBAR_SPINE_MM;
  const preferred = preferenceOf({
    weighting: WEIGHTING_OF[kind],
    derived: facts.derived,
    lumbar: facts.region.is === 'lumbar',
    contrastAgent: facts.contrastAgent,
    fatSaturation: facts.fatSaturation,
    outOfPhase: facts.outOfPhase,
    longEnough: !short,
    slices: facts.slices,
  });
  const lumbar = facts.region.is === 'lumbar' && facts.region.reason ? [`lumbar: ${facts.region.reason}`] : [];
  return {
    kind,
    rejection: undefined,
    plane: facts.plane,
    weighting: WEIGHTING_OF[kind],
    reasons: [...reasons, ...lumbar, ...preferred.reasons],
    contradictions: [...new Set(contradictions)],
    tooShort: short
      ? `reaches ${Math.round(length)} mm from head to feet, the lumbar spine takes ${LUMBAR_SPINE_MM} mm`
      : undefined,
    preference: preferred.preference,
  };
}

function reject(
  facts: StackFacts,
  rejection: Rejection,
  reasons: readonly string[],
  says: Weighting | 'other' | undefined,
  contradictions: readonly string[] = [],
): Assessment {
  const weighting = says === 'other' ? undefined : says;
  return {
    kind: undefined,
    rejection,
    plane: facts.plane,
    weighting,
    reasons,
    contradictions: [...new Set(contradictions)],
    tooShort: undefined,
    preference: NOT_PREFERRED,
  };
}
