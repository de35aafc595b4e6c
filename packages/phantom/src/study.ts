/** Writes one study: its images below `train_images`, and returns its rows of the dataset's tables. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kind, Severity } from '@spineline/shared/domain';
import { describeArtefacts } from './acquisition/artefacts.ts';
import { takePicture } from './acquisition/imaging.ts';
import { describeMetal } from './acquisition/metal.ts';
import type { Plane } from './acquisition/stack.ts';
import { annotate } from './annotator.ts';
import type { Awkward } from './awkward.ts';
import { encodeFrame } from './codec/frame-encoder.ts';
import { multiFrameDataset, sliceDataset } from './dicom-image.ts';
import { type DicomDataset, writeDicom } from './dicom-writer.ts';
import { labelStudy, type TargetLabel } from './labels.ts';
import { Random } from './random.ts';
import { pointInFile, storedFormat, storedWords } from './stored-series.ts';
import { planStudy, type StudyPlan } from './study-plan.ts';
import { isEncapsulated, type TransferSyntax } from './transfer-syntaxes.ts';
import type { Variation } from './variation.ts';

export interface StudyTask {
  /** The dataset's folder. */
  readonly directory: string;
  readonly seed: number;
  readonly index: number;
  readonly awkward: boolean;
  readonly variation?: Variation | undefined;
}

/** A row of truth. The grade in `train.csv` is blank if `labelled` is false. */
export interface StudyTarget {
  /** `{condition}_{level}`. */
  readonly name: string;
  readonly narrowing: number;
  readonly severity: Severity;
  readonly labelled: boolean;
  /** Its exact place; `undefined` if no slice shows it. */
  readonly place: StudyPoint | undefined;
}

export interface StudyPoint {
  /** `{condition}_{level}`. */
  readonly name: string;
  readonly seriesId: string;
  readonly instance: number;
  readonly x: number;
  readonly y: number;
}

/** An artefact of a study: metal affects all of its series, ghosting or motion one of them. */
export interface StudyArtefact {
  readonly series?: string;
  readonly what: string;
}

export interface StudyRecord {
  readonly study: string;
  readonly index: number;
  readonly awkward: Awkward | undefined;
  readonly transferSyntaxes: readonly TransferSyntax[];
  readonly series: readonly { readonly id: string; readonly kind: Kind }[];
  readonly artefacts: readonly StudyArtefact[];
  readonly targets: readonly StudyTarget[];
  /** The labelled targets, with the annotator's points. */
  readonly points: readonly StudyPoint[];
  readonly files: number;
  readonly bytes: number;
}

/** Generates and writes a study. The same task always writes the same bytes. */
export async function writeStudy(task: StudyTask): Promise<StudyRecord> {
  const plan = planStudy(task.seed, task.index, task.awkward, task.variation);
  let [files, bytes] = [0, 0];
  for (let number = 0; number < plan.series.length; number++) {
    const series = plan.series[number]!;
    const folder = join(task.directory, 'train_images', plan.id, series.id);
    await mkdir(folder, { recursive: true });
    // The next image is computed while one is written.
    let writing: Promise<void> = Promise.resolve();
    for await (const { name, dataset } of imagesOf(plan, number)) {
      const file = writeDicom(dataset, { transferSyntax: series.transferSyntax });
      await writing;
      writing = writeFile(join(folder, name), file);
      // If computing the next image fails first, an error of this write must not count as unhandled.
      writing.catch(() => {});
      files++;
      bytes += file.length;
    }
    await writing;
  }
  return { ...recordOf(plan), files, bytes };
}

async function* imagesOf(plan: StudyPlan, number: number): AsyncGenerator<{ name: string; dataset: DicomDataset }> {
  const series = plan.series[number]!;
  const planes = [...series.stack.planes].sort((a, b) => a.instance - b.instance);
  if (!series.multiFrame) {
    for (const plane of planes) {
      const frame = await framePixels(plan, number, plane);
      const pixels = isEncapsulated(series.transferSyntax) ? [frame] : frame;
      yield { name: `${plane.instance}.dcm`, dataset: sliceDataset(plan, number, plane, pixels) };
    }
    return;
  }
  const frames: Uint8Array[] = [];
  for (const plane of planes) frames.push(await framePixels(plan, number, plane));
  const pixels = isEncapsulated(series.transferSyntax) ? frames : Buffer.concat(frames);
  yield { name: '1.dcm', dataset: multiFrameDataset(plan, number, planes, pixels) };
}

/** The stored pixels of a slice: words, or an encapsulated frame. */
export async function framePixels(plan: StudyPlan, number: number, plane: Plane): Promise<Uint8Array> {
  const series = plan.series[number]!;
  const random = new Random(plan.seed, plan.index, 'noise', number, plane.instance);
  const words = storedWords(series, takePicture(plan.anatomy, series, plane, random));
  if (!isEncapsulated(series.transferSyntax)) return words;
  return encodeFrame(words, storedFormat(series), series.transferSyntax);
}

/** The rows of a study in the dataset's tables. */
export function recordOf(plan: StudyPlan): Omit<StudyRecord, 'files' | 'bytes'> {
  const exact = labelStudy(plan);
  const pointOf = (label: TargetLabel) => pointInFiles(plan, label);
  const places = new Map(exact.map((label) => [label.target.name, pointOf(label)]));
  const labels = annotate(plan, exact).filter(({ target }) => !plan.ungraded.has(target.name));
  const labelled = new Set(labels.map(({ target }) => target.name));
  return {
    study: plan.id,
    index: plan.index,
    awkward: plan.awkward,
    transferSyntaxes: plan.series.map((series) => series.transferSyntax),
    series: plan.series.map((series) => ({ id: series.id, kind: series.stack.kind })),
    artefacts: artefactsOf(plan),
    targets: plan.severities.map(({ target, narrowing, severity }) => ({
      name: target.name,
      narrowing,
      severity,
      labelled: labelled.has(target.name),
      place: places.get(target.name),
    })),
    points: labels.map(pointOf),
  };
}

/** The point of a label in pixels of the stored image. */
function pointInFiles(plan: StudyPlan, { target, seriesId, instance, x, y }: TargetLabel): StudyPoint {
  const series = plan.series.find(({ id }) => id === seriesId)!;
  return { name: target.name, seriesId, instance, ...pointInFile(series, { x, y }) };
}

function artefactsOf(plan: StudyPlan): StudyArtefact[] {
  const metal = plan.series[0]?.artefacts.metal;
  return [
    ...(metal ? [{ what: describeMetal(metal) }] : []),
    ...plan.series.flatMap(({ id, artefacts }) => describeArtefacts(artefacts).map((what) => ({ series: id, what }))),
  ];
}
