/**
 * Faults in the series to be read: several stacks in one series, images of other kinds among them, wrong or missing
 * words. One row per fault; each changes the drafts of a study.
 */

import type { Kind } from '@spineline/shared/domain';
import type { DicomDataset } from '../dicom-writer.ts';
import type { StudyPlan } from '../study-plan.ts';
import { decoyImages } from './decoys.ts';
import type { ImageDraft, SeriesDraft } from './draft.ts';

type Twist = (series: SeriesDraft[], plan: StudyPlan) => SeriesDraft[];

export const TWISTS = {
  /** Two images per position in one series: proton density at the first echo, T2 at the second. */
  dual_echo: on('sagittal_t2', (series) => ({
    ...series,
    description: 'SAG PD+T2 TSE',
    images: series.images.flatMap((image): ImageDraft[] => [
      {
        ...withoutLabel(withHeader(image, { EchoNumbers: 1, EchoTime: 14 })),
        outcome: { rejected: ['other_contrast'], what: 'proton density: the first echo of a dual-echo series' },
      },
      withHeader(image, { EchoNumbers: 2, EchoTime: 102 }),
    ]),
  })),
  /** One SeriesInstanceUID for the sagittal and the axial T2. */
  one_series_two_planes: (drafts) => {
    const axial = drafts.find(({ name }) => name === 'axial_t2')!;
    return drafts
      .filter((series) => series !== axial)
      .map((series) =>
        series.name === 'sagittal_t2'
          ? { ...series, description: 'T2 FSE LUMBAR', images: renumbered([...series.images, ...axial.images]) }
          : series,
      );
  },
  /** The T2 was acquired twice, in the same series, with different acquisition numbers. */
  repeated_in_series: on('sagittal_t2', (series) => ({
    ...series,
    images: renumbered([
      ...series.images.map((image) => ({ ...withStack(image, 'first acquisition'), acquisition: 1 })),
      ...series.images.map((image) => ({ ...withoutLabel(withStack(image, 'second acquisition')), acquisition: 2 })),
    ]),
  })),
  /** The T2 was acquired twice, in two series. */
  repeated_series: (drafts) =>
    drafts.flatMap((series) =>
      series.name === 'sagittal_t2'
        ? [series, { ...series, name: 'sagittal_t2_again', images: series.images.map(withoutLabel) }]
        : [series],
    ),
  /** Two axial series, one for the upper and one for the lower slices. */
  axial_halves: (drafts) =>
    drafts.flatMap((series) => {
      if (series.name !== 'axial_t2') return [series];
      const cut = Math.ceil(series.images.length / 2);
      return [series.images.slice(0, cut), series.images.slice(cut)].map((images, half) => ({
        ...series,
        name: `axial_t2_${half}`,
        images: renumbered(images),
      }));
    }),
  /** Localizer images before the first of the T2, with its SeriesInstanceUID and its description. */
  localizer_inside: on('sagittal_t2', (series, plan) => ({
    ...series,
    images: renumbered([
      ...decoyImages(plan, 'localizer').map((image): ImageDraft => ({
        ...withHeader(image, { ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] }),
        outcome: {
          rejected: ['localizer', 'other_contrast', 'other_plane', 'kind_unknown'],
          what: 'localizer images in the series of the T2',
        },
      })),
      ...series.images,
    ]),
  })),
  /** A colour capture before the first image of each series, with its SeriesInstanceUID. */
  capture_inside: (drafts, plan) =>
    drafts.map((series) => ({
      ...series,
      images: renumbered([...decoyImages(plan, 'screen_capture'), ...series.images]),
    })),
  /** The descriptions of the two sagittal series are exchanged. */
  confused: (drafts) => {
    const of = (name: Kind) => drafts.find((series) => series.name === name)!.description;
    const [t1, t2] = [of('sagittal_t1'), of('sagittal_t2')];
    return drafts.map((series) => {
      const contradiction = 'SeriesDescription names the other weighting; EchoTime and RepetitionTime are right';
      if (series.name === 'sagittal_t2') return { ...series, description: t1, contradiction };
      if (series.name === 'sagittal_t1') return { ...series, description: t2, contradiction };
      return series;
    });
  },
  /** No words at all: only times and planes show the kinds. */
  no_words: (drafts) =>
    drafts.map((series) => ({
      ...series,
      description: '',
      header: { StudyDescription: undefined, BodyPartExamined: undefined },
    })),
  /** One slice of the T1 is cut off in its pixels. */
  truncated_slice: on('sagittal_t1', (series) => ({
    ...series,
    images: series.images.map((image, place) =>
      place === 1
        ? {
            ...image,
            outcome: { damaged: 'sagittal_t1', what: 'a file that ends in the middle of its pixels' },
            kept: 0.5,
          }
        : image,
    ),
  })),
} as const satisfies Record<string, Twist>;
export type TwistName = keyof typeof TWISTS;

/** A fault in the series of one kind. */
function on(kind: Kind, change: (series: SeriesDraft, plan: StudyPlan) => SeriesDraft): Twist {
  return (drafts, plan) => drafts.map((series) => (series.name === kind ? change(series, plan) : series));
}

function withHeader(image: ImageDraft, header: DicomDataset): ImageDraft {
  return { ...image, header: { ...image.header, ...header } };
}

function withStack(image: ImageDraft, stack: string): ImageDraft {
  return 'read' in image.outcome ? { ...image, outcome: { ...image.outcome, stack } } : image;
}

/** A second image of the same slice: the labels belong to the first. */
function withoutLabel({ label: _, ...image }: ImageDraft): ImageDraft {
  return image;
}

/** Numbers the images from 1, in order. */
function renumbered(images: readonly ImageDraft[]): ImageDraft[] {
  return images.map((image, place) => ({ ...image, instance: place + 1 }));
}
