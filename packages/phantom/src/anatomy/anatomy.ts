/**
 * One patient's anatomy in body coordinates: the structures to paint, and the positions of the labelled ones. All
 * series of a study sample the same anatomy, so sagittal and axial series agree in space.
 */

import { LEVELS, type Level, type Side } from '@spineline/shared/domain';
import type { Random } from '../random.ts';
import { severityOf, type TargetSeverity } from '../severity.ts';
import { Canal, type LevelNarrowing, type Narrowings } from './canal.ts';
import { type Bulge, discStructure, NO_BULGE } from './disc.ts';
import { foramenCentre, foramenStructure } from './foramen.ts';
import { organStructures } from './organs.ts';
import { PosteriorWall } from './posterior-wall.ts';
import { drawPhysique, SoftTissue } from './soft-tissue.ts';
import { buildSpine, type Disc } from './spine.ts';
import type { Structure } from './structure.ts';
import { Texture } from './texture.ts';
import type { Frame, Vector } from './vector.ts';
import { vertebraStructures } from './vertebra.ts';

/** Where an annotator would point, in body coordinates (mm). */
export interface Landmarks {
  /** The middle of the dural sac at the disc. */
  readonly canal: Vector;
  readonly foramen: Readonly<Record<Side, Vector>>;
  /** The middle of a lateral recess `offsetMm` below the disc's middle. */
  recess(side: Side, offsetMm: number): Vector;
  /** The disc's own frame: axial blocks are angled to it. */
  readonly disc: Frame;
  /** Depth of the dural sac in mm. */
  readonly sacDepthMm: number;
}

export interface Anatomy {
  readonly soft: SoftTissue;
  /** In paint order, over the soft tissue. */
  readonly structures: readonly Structure[];
  readonly landmarks: Readonly<Record<Level, Landmarks>>;
}

export function buildAnatomy(random: Random, severities: readonly TargetSeverity[]): Anatomy {
  const narrowings = narrowingsOf(severities);
  const age = random.uniform();
  const degeneration = LEVELS.map((level, index) => degenerationOf(narrowings[level], age, index, random));
  const spine = buildSpine(random, degeneration);
  const wall = new PosteriorWall(spine);
  const texture = new Texture(random);
  const canal = new Canal(random, spine, wall, narrowings);
  const sacrum = spine.vertebrae.find((one) => one.name === 'S1')!.frame.origin;
  const soft = new SoftTissue(wall, sacrum[2], drawPhysique(random), texture, spine.scoliosis.roll);
  const lumbar = spine.discs.flatMap((disc) => (disc.level ? [{ disc, level: disc.level }] : []));
  const structures: Structure[] = [
    ...organStructures(random, spine, soft),
    ...canal.structures,
    ...spine.discs.map((disc) => discStructure(disc, disc.level ? bulgeOf(canal, disc.level, narrowings) : NO_BULGE)),
    ...spine.vertebrae.flatMap((vertebra, index) => vertebraStructures(vertebra, texture, index)),
    ...lumbar.flatMap(({ disc, level }) =>
      (['left', 'right'] as const).map((side) => foramenStructure(disc, side, narrowings[level].foramen[side])),
    ),
  ];
  const landmarks = Object.fromEntries(lumbar.map(({ disc, level }) => [level, landmarksOf(canal, disc, level)]));
  return { soft, structures, landmarks: landmarks as Record<Level, Landmarks> };
}

function narrowingsOf(severities: readonly TargetSeverity[]): Narrowings {
  const of = (level: Level, task: string, side?: Side) =>
    severities.find(({ target }) => target.level === level && target.task === task && target.side === side)!.narrowing;
  return Object.fromEntries(
    LEVELS.map((level): [Level, LevelNarrowing] => [
      level,
      {
        canal: of(level, 'scs'),
        recess: { left: of(level, 'ss', 'left'), right: of(level, 'ss', 'right') },
        foramen: { left: of(level, 'nfn', 'left'), right: of(level, 'nfn', 'right') },
      },
    ]),
  ) as Record<Level, LevelNarrowing>;
}

/** Degeneration of discs increases with age, towards the sacrum, and at narrowed levels. */
function degenerationOf(narrowing: LevelNarrowing, age: number, index: number, random: Random): number {
  const { canal, recess, foramen } = narrowing;
  const worst = Math.max(canal, recess.left, recess.right, foramen.left, foramen.right);
  const diseased = severityOf(worst) === 'normal_mild' ? 0 : 0.2;
  return Math.max(0.02, Math.min(1, 0.55 * age + 0.06 * index + 0.35 * worst + diseased + random.around(-0.15, 0.1)));
}

function bulgeOf(canal: Canal, level: Level, narrowings: Narrowings): Bulge {
  const { recess, foramen } = narrowings[level];
  return {
    central: canal.centralBulge(level),
    recess: { left: 2.2 * recess.left, right: 2.2 * recess.right },
    foramen: { left: 3.5 * foramen.left, right: 3.5 * foramen.right },
  };
}

function landmarksOf(canal: Canal, disc: Disc, level: Level): Landmarks {
  return {
    canal: canal.sacCentre(level),
    foramen: { left: foramenCentre(disc, 'left'), right: foramenCentre(disc, 'right') },
    recess: (side, offsetMm) => canal.recessCentre(level, side, offsetMm),
    disc: disc.frame,
    sacDepthMm: canal.sacDepth(level),
  };
}
