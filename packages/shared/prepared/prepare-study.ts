/**
 * Makes the arrays of one study with the functions of the stages: the inputs of the models of stages 1 to 3, with
 * labelled slices and points instead of predictions. Runs in a thread.
 */

import type { StudyEntry } from '../dataset/index.ts';
import { LEVELS, SEVERITIES, type Severity, SIDES, TARGETS } from '../domain/index.ts';
import type { LabelCoordinate } from '../evaluation/index.ts';
import { centralSlices, cutCrop, xyTensor } from '../imaging/index.ts';
import type { FetchedFile } from '../sources/index.ts';
import {
  axialImage,
  type IndexedSlice,
  type IndexedStudy,
  indexStudy,
  planCrops,
  type SeriesIndex,
  STAGE1_TASKS,
  type Stage1Task,
  sagittalImages,
  stage1Volumes,
  type Volume,
  type XyImage,
  spacesOf,
} from '../stages/index.ts';
import type { ArrayPlan, PrepareSettings, XyTask } from './array-plan.ts';
import {
  type PlacedLabel,
  type PlacedLabels,
  placeLabels,
  pointsOfLabels,
  sideBySide,
  slicesOfLabels,
} from './placed-labels.ts';
import type { LabelCounts, PrepareOptions } from './records.ts';
import { StudyArrays } from './study-arrays.ts';

export interface StudyToPrepare {
  readonly study: StudyEntry;
  /** Fetched files by location. */
  readonly files: ReadonlyMap<string, FetchedFile>;
  readonly coordinates: readonly LabelCoordinate[];
  /** By target name. */
  readonly severities: ReadonlyMap<string, Severity | undefined>;
  readonly settings: PrepareSettings;
  readonly options: PrepareOptions;
  readonly plan: ArrayPlan;
}

/**
 * Every array of the plan, without the dimension of studies.
 *
 * @throws {StudyError} as `indexStudy`.
 */
export async function prepareStudy(
  input: StudyToPrepare,
): Promise<{ arrays: Record<string, ArrayBufferView<ArrayBuffer>>; labels: LabelCounts }> {
  const { study, files, coordinates, severities, settings, options, plan } = input;
  const indexed = await indexStudy(study, files);
  const { index } = indexed;
  const read = async (slice: IndexedSlice) => indexed.image(slice);
  const labels = placeLabels(index, coordinates);
  const arrays = new StudyArrays(plan.arrays, options.pool);

  if (options.stages.includes(1)) {
    const { volumes } = stage1Volumes(indexed, settings.stage1);
    for (const task of Object.keys(STAGE1_TASKS) as Stage1Task[]) addVolume(arrays, task, volumes[task], labels);
  }
  if (options.stages.includes(2)) addImages(arrays, indexed, labels, input);
  if (options.stages.includes(3)) {
    const plans = planCrops(index, pointsOfLabels(index, labels));
    for await (const { space, windows } of spacesOf(index, plans, settings.stage3, read, { room: plan.room })) {
      for (const { plan: at, centre, window } of windows) {
        const crop = cutCrop(space, centre, window, settings.stage3.resize.antialias);
        arrays.image(`stage3.${at.array}`, at.row, crop);
        arrays.of(`stage3.${at.array}.present`)[at.row] = 1;
      }
    }
  }
  arrays.of('severity').set(TARGETS.map(({ name }) => severityNumber(severities.get(name))));
  return { arrays: arrays.all(), labels: { used: coordinates.length - labels.unused, unused: labels.unused } };
}

/** Index in SEVERITIES; -1 for a blank label. */
function severityNumber(severity: Severity | undefined): number {
  return severity === undefined ? -1 : SEVERITIES.indexOf(severity);
}

function addVolume(arrays: StudyArrays, task: Stage1Task, volume: Volume | undefined, labels: PlacedLabels): void {
  const places = task === 'scs' ? labels.scs : sideBySide(labels.nfn);
  const target = arrays.of(`stage1_${task}.target`).fill(Number.NaN);
  arrays.of(`stage1_${task}.slices`)[0] = volume?.sliceOf.length ?? 0;
  if (!volume) return;
  arrays.image(`stage1_${task}.volume`, 0, volume.sample.volume!.data);
  places.forEach((label, i) => {
    if (label) target.set([label.x, label.y, positionOf(volume.sliceOf, label.index)], i * 3);
  });
}

/** The position in the volume that shows a slice or, if the volume leaves it out, the nearest slice. */
function positionOf(sliceOf: Int32Array, slice: number): number {
  let best = 0;
  for (let i = 1; i < sliceOf.length; i++) {
    if (Math.abs(sliceOf[i]! - slice) < Math.abs(sliceOf[best]! - slice)) best = i;
  }
  return best;
}

/** Adds the images of the XY models: at the median of the labelled slices, and at each level's labelled axial slice. */
function addImages(
  arrays: StudyArrays,
  indexed: IndexedStudy,
  labels: PlacedLabels,
  { settings, options }: StudyToPrepare,
): void {
  const { index } = indexed;
  const add = (task: XyTask, row: number, image: XyImage, points: readonly (PlacedLabel | null)[]) => {
    const { tensor } = xyTensor(
      withRoom(index, image, options.xyRoomSlices).map((slice) => indexed.image(slice)),
      settings.stage2,
      options.xyRoomSlices,
    );
    arrays.image(`stage2_${task}.image`, row, tensor);
    arrays.of(`stage2_${task}.present`)[row] = 1;
    const target = arrays.of(`stage2_${task}.target`);
    points.forEach((point, i) => {
      if (point) target.set([point.x, point.y], (row * points.length + i) * 2);
    });
  };
  for (const task of ['scs', 'nfn', 'ss']) arrays.of(`stage2_${task}.target`).fill(Number.NaN);
  const sagittal = sagittalImages(index, slicesOfLabels(labels));
  if (sagittal.scs) add('scs', 0, sagittal.scs, labels.scs);
  SIDES.forEach((side, row) => {
    if (sagittal[side]) add('nfn', row, sagittal[side], labels.nfn[side]);
  });
  LEVELS.forEach((_, level) => {
    const at = labels.ss.left[level] ?? labels.ss.right[level];
    if (!at) return;
    const inSlice = (label: PlacedLabel | null) =>
      label?.series === at.series && label.index === at.index ? label : null;
    add(
      'ss',
      level,
      axialImage(index, at),
      SIDES.map((side) => inSlice(labels.ss[side][level]!)),
    );
  });
}

/** The slices of an XY image, with `room` more at each end. */
function withRoom(index: SeriesIndex, { series, slices }: XyImage, room: number): IndexedSlice[] {
  const all = index.series.find((one) => one.series === series)!.slices;
  return centralSlices(all.indexOf(slices[1]), 1 + room, all.length).map((place) => all[place]!);
}
