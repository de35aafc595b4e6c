/**
 * Preprocessing from end to end: DICOM files through the compute tasks of the stages, against the numpy, torch and
 * pydicom of training/reference, which starts from the same files and shares no intermediate with them. What was
 * measured: volumes and XY images within 3e-7 of the [0, 1] range, crops within 1.23e-4, the rounding to 12 bits.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutCrops, prepareStage1, prepareXy } from '../compute/compute-tasks.ts';
import { openDataset, type StudyEntry } from '../dataset/index.ts';
import { openImage } from '../dicom/index.ts';
import { LEVELS, type StageNumber } from '../domain/index.ts';
import type { SlicePlane } from '../geometry/slice-plane.ts';
import { parseBundle } from '../models/bundle.ts';
import type { BundleOf } from '../models/index.ts';
import { openSources, fetchFiles } from '../sources/index.ts';
import type { IndexedSeries, SeriesIndex } from '../stages/artefacts.ts';
import { axialSlices } from '../stages/axial-slices.ts';
import type { CropPlan } from '../stages/crop-plan.ts';
import { usedSeries } from '../stages/indexed-series.ts';
import { STAGE1_TASKS, type Stage1Task } from '../stages/level-slices.ts';
import type { XyImage } from '../stages/points.ts';
import type { Files } from '../stages/read-series.ts';
import { StoredCrops } from '../stages/stored-crops.ts';
import {
  largestDifference,
  NO_PYTHON,
  python,
  Reference,
  ROOT,
  randomNumbers,
  TEST_DATA,
  TWELVE_BITS,
} from './imaging-reference.ts';
import { SYNTAX } from './support/dicom-bytes.ts';
import { type PhantomDataset, phantomDataset } from './support/phantoms.ts';

/** Largest difference, in the range [0, 1]. Required is 1e-3. */
const TOLERANCE = 1e-6;

const SCANNER = join(TEST_DATA, 'scanner-phantom');
const missing = python() ? undefined : NO_PYTHON;
const [INPUT1, INPUT2] = [(await demo(1)).input, (await demo(2)).input];
const { crops: CROPS } = await demo(3);

async function demo<S extends StageNumber>(stage: S): Promise<BundleOf<S>> {
  const path = join(ROOT, `models/demo/stage${stage}/bundle.json`);
  return parseBundle(await readFile(path, 'utf8'), path) as BundleOf<S>;
}

interface Prepared {
  readonly study: StudyEntry;
  readonly files: Files;
  readonly index: SeriesIndex;
  readonly volumes: Awaited<ReturnType<typeof prepareStage1>>['volumes'];
}

const sources = openSources();
afterAll(() => sources.close());

async function prepare(folder: string, name?: string): Promise<Prepared> {
  for await (const study of (await openDataset(folder, sources)).studies()) {
    if (name !== undefined && study.study !== name) continue;
    const locations = study.series.flatMap(({ instances }) => instances.map(({ location }) => location));
    const files = await fetchFiles(sources, locations);
    const { index, volumes } = await prepareStage1({ study, files, input: INPUT1 });
    return { study, files, index, volumes };
  }
  throw new Error(`no study ${name} in ${folder}`);
}

const phantom = async (dataset: PhantomDataset) => prepare(await phantomDataset(dataset));

const pathOf = (location: string) => fileURLToPath(location);
const clamp = (place: number, count: number) => Math.min(count - 1, Math.max(0, place));
const neighbours = ({ slices }: IndexedSeries, place: number, radius: number) =>
  Array.from({ length: 2 * radius + 1 }, (_, i) => slices[clamp(place - radius + i, slices.length)]!);

/** The series that pydicom decodes without further packages: not those in JPEG Lossless or JPEG-LS. */
function readableSeries({ index, files }: Prepared): IndexedSeries[] {
  const unreadable: string[] = [SYNTAX.jpegLossless, SYNTAX.jpegLosslessFirst, SYNTAX.jpegLs, SYNTAX.jpegLsNear];
  return index.series.filter(({ slices }) => {
    const { header } = openImage(files.get(slices[0]!.location) as Uint8Array);
    return !unreadable.includes(header.transferSyntaxUid);
  });
}

interface Difference {
  readonly what: string;
  readonly most: number;
}

/** Everything that the stages prepare of a study, and how far the reference is from it. */
class Comparison {
  readonly #name: string;
  readonly #prepared: Prepared;
  readonly #reference: Reference;
  readonly #compare: ((report: Record<string, unknown>) => Difference[])[] = [];

  /** @param name of the study among those of the reference. */
  constructor(name: string, prepared: Prepared, reference: Reference) {
    this.#name = name;
    this.#prepared = prepared;
    this.#reference = reference;
  }

  differences(report: Record<string, unknown>): Difference[] {
    return this.#compare.flatMap((compare) => compare(report));
  }

  /** The order of the slices, from the files in another order than they were indexed in. */
  order({ series, kind, slices }: IndexedSeries): void {
    const entry = this.#prepared.study.series.find((one) => one.series === series)!;
    const paths = entry.instances.map(({ location }) => pathOf(location)).reverse();
    const name = `${this.#name}-order-${series}`;
    this.#reference.ask({ name, task: 'order', slices: paths, kind });
    this.#compare.push((report) => {
      const { ordered, planes } = report[name] as {
        ordered: number[];
        planes: (SlicePlane & { instanceNumber: number })[];
      };
      expect(slices.map(({ location }) => pathOf(location))).toEqual(ordered.map((place) => paths[place]));
      for (const [i, { instance, position, orientation, spacing, rows, columns }] of slices.entries()) {
        const plane = planes[ordered[i]!]!;
        expect([instance, rows, columns]).toEqual([plane.instanceNumber, plane.rows, plane.columns]);
        const [found, expected] = [{ position, orientation, spacing }, plane].map((one) =>
          // A scanner writes -0, which is 0.
          [...one.position, ...one.orientation, ...one.spacing].map((value) => value + 0),
        );
        expect(found).toEqual(expected);
      }
      return [];
    });
  }

  volume(task: Stage1Task, { series }: IndexedSeries): void {
    const { sample, sliceOf } = this.#prepared.volumes[task]!;
    const entry = this.#prepared.study.series.find((one) => one.series === series)!;
    const slices = entry.instances.map(({ location }) => pathOf(location));
    const name = `${this.#name}-${task}`;
    this.#reference.ask({
      name,
      task: 'volume',
      slices,
      kind: STAGE1_TASKS[task],
      canonical: STAGE1_TASKS[task],
      settings: INPUT1,
    });
    this.#compare.push((report) => {
      const { data, shape } = this.#reference.array(name);
      expect([1, ...shape]).toEqual(sample.volume!.dims);
      expect((report[name] as { sliceOf: number[] }).sliceOf).toEqual([...sliceOf]);
      return [{ what: `volume ${task}`, most: largestDifference(sample.volume!.data, data) }];
    });
  }

  async xy(series: IndexedSeries, places: readonly number[]): Promise<void> {
    const images = places.map((place): XyImage => ({
      series: series.series,
      slices: neighbours(series, place, 1) as never,
    }));
    const { samples } = await prepareXy({ study: 'any', images, files: this.#prepared.files, input: INPUT2 });
    places.forEach((place, i) => {
      const name = `${this.#name}-xy-${series.series}-${place}`;
      const slices = images[i]!.slices.map(({ location }) => pathOf(location));
      this.#reference.ask({ name, task: 'xy', slices, canonical: series.kind, settings: INPUT2 });
      this.#compare.push(() => [
        { what: 'XY image', most: largestDifference(samples[i]!.image!.data, this.#reference.array(name).data) },
      ]);
    });
  }

  async crops(plans: readonly CropPlan[]): Promise<void> {
    const { index, files } = this.#prepared;
    const { crops, bytes } = await cutCrops({ study: 'any', index, plans, files, settings: CROPS });
    const stored = new StoredCrops(crops, bytes);
    for (const plan of plans) {
      const series = index.series.find((one) => one.series === plan.series)!;
      const windows = CROPS.windows.filter(
        ({ kind, side, levels }) => kind === series.kind && side === plan.side && levels.includes(plan.level),
      );
      expect(windows).toHaveLength(1);
      const name = `${this.#name}-${plan.array}-${plan.row}`;
      const slices = neighbours(series, plan.index, 2).map(({ location }) => pathOf(location));
      const centre = [plan.x * CROPS.space, plan.y * CROPS.space];
      const cuts = [{ centre, window: windows[0]! }];
      this.#reference.ask({ name, task: 'crops', slices, canonical: series.kind, settings: CROPS, cuts });
      this.#compare.push(() => {
        const { data: expected, shape } = this.#reference.array(`${name}_0`);
        expect(shape).toEqual([5, ...windows[0]!.to]);
        const found = stored.row(plan.array, plan.row)!;
        return [{ what: `crop ${plan.array} ${plan.row}`, most: largestDifference(found, expected) }];
      });
    }
  }

  /** Points of the T2 slice at `place` on the axial slices of its frame. */
  projection(t2: IndexedSeries, place: number): void {
    const slice = t2.slices[place]!;
    const points = LEVELS.map((_, level) => ({ index: place, x: 0.45 + 0.02 * level, y: 0.2 + 0.13 * level }));
    const found = axialSlices(this.#prepared.index, points);
    const inFrame = this.#prepared.index.series
      .filter(({ used, kind }) => used && kind === 'axial_t2')
      .flatMap(({ series, slices }) => slices.map((plane) => ({ series, plane })))
      .filter(({ plane }) => plane.frameOfReference === slice.frameOfReference);
    expect(inFrame.length).toBeGreaterThan(4);
    const name = `${this.#name}-project`;
    this.#reference.ask({
      name,
      task: 'project',
      plane: slice,
      points: points.map(({ x, y }) => [x * slice.columns, y * slice.rows]),
      planes: inFrame.map(({ plane }) => plane),
    });
    this.#compare.push((report) => {
      const { nearest } = report[name] as { nearest: [number, number][] };
      for (const [level, [place, distanceMm]] of nearest.entries()) {
        const { series, plane } = inFrame[place]!;
        expect(found[level]).toMatchObject({ series, instance: plane.instance });
        expect(Math.abs(found[level]!.distanceMm - distanceMm)).toBeLessThanOrEqual(0.005 + 1e-9);
      }
      return [];
    });
  }
}

/** A plan for each window of the bundle, anywhere in the middle of a series, at the edges now and then. */
function planOfEveryWindow(index: SeriesIndex, random: () => number): CropPlan[] {
  return CROPS.windows.map(({ kind, side, levels }, i): CropPlan => {
    const all = index.series.filter((one) => one.used && one.kind === kind);
    const { series, slices } = all[i % all.length]!;
    const array = kind !== 'axial_t2' ? kind : side === 'middle' ? 'axial_middle' : 'axial_sides';
    const level = levels[0]!;
    const row = LEVELS.indexOf(level) + (side === 'right' ? LEVELS.length : 0);
    const place = Math.floor(random() * slices.length);
    return { array, row, level, side, series, index: place, x: 0.05 + 0.9 * random(), y: 0.05 + 0.9 * random() };
  });
}

/** Asks for the order of the slices of series, and for XY images of those that are used. */
async function askForImages(comparison: Comparison, series: readonly IndexedSeries[]): Promise<void> {
  for (const one of series) comparison.order(one);
  for (const one of series.filter(({ used }) => used)) {
    await comparison.xy(one, [one.slices.length >> 1, one.slices.length - 1]);
  }
}

/** Adds comparisons of what the stages compute from a study: axial slices, volumes, and one crop per window. */
async function askForStages(comparison: Comparison, index: SeriesIndex): Promise<void> {
  const t2 = usedSeries(index, 'sagittal_t2')!;
  comparison.projection(t2, t2.slices.length >> 1);
  for (const task of Object.keys(STAGE1_TASKS) as Stage1Task[]) {
    comparison.volume(task, usedSeries(index, STAGE1_TASKS[task])!);
  }
  await comparison.crops(planOfEveryWindow(index, randomNumbers(5)));
}

/** A study to compare. */
interface Study {
  /** What is special about it. */
  readonly what: string;
  prepare(): Promise<Prepared>;
  /** All that the stages prepare, or the images alone. */
  readonly compare: 'stages' | 'images';
  /** How many of its series pydicom decodes, if not all. */
  readonly readable?: number;
  readonly turned?: boolean;
  /** Why it is not here. */
  readonly missing?: string;
}

const STUDIES: readonly Study[] = [
  {
    what: 'a phantom',
    prepare: () => phantom({ studies: 1, seed: 7, small: false }),
    compare: 'stages',
  },
  {
    what: 'a phantom stored turned by 90 and 180 degrees',
    prepare: () => phantom({ studies: 1, seed: 20, storedAs: { sagittal: 'turned-90', axial: 'turned-180' } }),
    compare: 'images',
    turned: true,
  },
  {
    what: 'a phantom stored mirrored and turned, with a range of padding far below the image',
    prepare: () =>
      phantom({
        ...{ studies: 1, seed: 20, padding: { value: -1900, rangeLimit: -2000, field: 'turned' } },
        storedAs: { sagittal: 'mirrored-turned-90', axial: 'mirrored-turned-90' },
      }),
    compare: 'stages',
    turned: true,
  },
  ...(
    [
      [5, 'RLE and JPEG 2000'],
      [13, 'deflated and implicit little endian'],
      [21, 'big endian with rescaling, RLE'],
    ] as const
  ).map(([firstStudy, what]): Study => ({
    what: `a phantom as ${what}`,
    prepare: () => phantom({ studies: 1, seed: 7, firstStudy, awkward: true }),
    compare: 'images',
    readable: 2,
  })),
  {
    what: 'a study of a scanner, with two axial series and with T1 in another frame',
    prepare: () => prepare(SCANNER, '1486'),
    compare: 'stages',
    ...(!existsSync(SCANNER) && { missing: `no test data at ${SCANNER}` }),
  },
];

describe.skipIf(missing)(`end-to-end parity with pydicom, numpy and torch${missing ? ` (${missing})` : ''}`, () => {
  let reference: Reference;
  let report: Record<string, unknown>;
  const compared = new Map<Study, { prepared: Prepared; readable: number; comparison: Comparison }>();
  afterAll(() => reference?.remove());

  // All at once: to load numpy, torch and pydicom takes longer than to compare a study.
  beforeAll(async () => {
    reference = new Reference();
    for (const [i, study] of STUDIES.entries()) {
      if (study.missing) continue;
      const prepared = await study.prepare();
      const comparison = new Comparison(`study${i}`, prepared, reference);
      const { index } = prepared;
      const readable = readableSeries(prepared);
      await askForImages(comparison, readable);
      if (study.compare === 'stages') await askForStages(comparison, index);
      compared.set(study, { prepared, readable: readable.length, comparison });
    }
    report = reference.run();
  });

  it.for(STUDIES.map((study) => [study.what, study] as const))('of %s', ([, study], { skip }) => {
    skip(study.missing !== undefined, study.missing);
    const { prepared, comparison, readable } = compared.get(study)!;
    const { series } = prepared.index;
    expect(readable).toBe(study.readable ?? series.length);
    expect(series.some(({ slices }) => slices[0]!.turn !== undefined)).toBe(study.turned ?? false);
    const differences = comparison.differences(report);
    expect(differences).toHaveLength(2 * readable + (study.compare === 'stages' ? 2 + CROPS.windows.length : 0));
    for (const { what, most } of differences) {
      expect(most, what).toBeLessThanOrEqual(what.startsWith('crop') ? TWELVE_BITS : TOLERANCE);
    }
  });
});
