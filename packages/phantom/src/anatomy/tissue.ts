/**
 * Tissues and their signals in each pulse sequence, relative to bright fluid in T2 and to fat in T1. The values imitate
 * images of clinical scanners at 1.5 T and were set by eye; they are not relaxation times.
 */

export const SEQUENCES = ['t2', 'stir', 't1'] as const;
export type Sequence = (typeof SEQUENCES)[number];

export interface TissueSignals {
  readonly air: number;
  readonly skin: number;
  readonly fat: number;
  readonly muscle: number;
  readonly fascia: number;
  readonly bowel: number;
  readonly organ: number;
  readonly vessel: number;
  readonly vesselWall: number;
  readonly cortex: number;
  readonly marrow: number;
  readonly basivertebral: number;
  readonly nucleus: number;
  readonly dryNucleus: number;
  readonly annulus: number;
  readonly ligament: number;
  readonly epiduralFat: number;
  readonly csf: number;
  readonly cord: number;
  readonly root: number;
  readonly ganglion: number;
  readonly jointFluid: number;
}

/** Table of signals in [0, 1]. */
export const SIGNALS: Readonly<Record<Sequence, TissueSignals>> = {
  t2: {
    air: 0,
    skin: 0.3,
    fat: 0.72,
    muscle: 0.18,
    fascia: 0.1,
    bowel: 0.3,
    organ: 0.3,
    vessel: 0.04,
    vesselWall: 0.16,
    cortex: 0.05,
    marrow: 0.37,
    basivertebral: 0.62,
    nucleus: 0.68,
    dryNucleus: 0.17,
    annulus: 0.09,
    ligament: 0.07,
    epiduralFat: 0.66,
    csf: 0.98,
    cord: 0.4,
    root: 0.34,
    ganglion: 0.36,
    jointFluid: 0.8,
  },
  stir: {
    air: 0,
    skin: 0.2,
    fat: 0.1,
    muscle: 0.24,
    fascia: 0.1,
    bowel: 0.4,
    organ: 0.42,
    vessel: 0.05,
    vesselWall: 0.18,
    cortex: 0.04,
    marrow: 0.17,
    basivertebral: 0.5,
    nucleus: 0.7,
    dryNucleus: 0.2,
    annulus: 0.1,
    ligament: 0.07,
    epiduralFat: 0.12,
    csf: 1,
    cord: 0.45,
    root: 0.4,
    ganglion: 0.5,
    jointFluid: 0.85,
  },
  t1: {
    air: 0,
    skin: 0.4,
    fat: 0.92,
    muscle: 0.3,
    fascia: 0.14,
    bowel: 0.34,
    organ: 0.4,
    vessel: 0.06,
    vesselWall: 0.24,
    cortex: 0.06,
    marrow: 0.52,
    basivertebral: 0.36,
    nucleus: 0.33,
    dryNucleus: 0.31,
    annulus: 0.24,
    ligament: 0.13,
    epiduralFat: 0.86,
    csf: 0.19,
    cord: 0.36,
    root: 0.3,
    ganglion: 0.34,
    jointFluid: 0.3,
  },
};
