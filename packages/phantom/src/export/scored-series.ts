/** The series of a phantom study that must be read, as drafts of an export. */

import { multiFrameDataset, sliceDataset } from '../dicom-image.ts';
import type { DicomDataset } from '../dicom-writer.ts';
import type { StudyPlan } from '../study-plan.ts';
import { framePixels } from '../study.ts';
import { isEncapsulated } from '../transfer-syntaxes.ts';
import type { ImageDraft, SeriesDraft } from './draft.ts';
import type { Language } from './languages.ts';

/** One draft per series of the plan, named by its kind. */
export function scoredSeries(plan: StudyPlan, language: Language): SeriesDraft[] {
  return plan.series.map((series, number) => ({
    name: series.stack.kind,
    description: language[series.stack.kind],
    images: series.multiFrame ? [enhancedImage(plan, number)] : sliceImages(plan, number),
  }));
}

function sliceImages(plan: StudyPlan, number: number): ImageDraft[] {
  const series = plan.series[number]!;
  const { kind, sequence, planes } = series.stack;
  return [...planes]
    .sort((a, b) => a.instance - b.instance)
    .map((plane) => ({
      outcome: { read: kind },
      build: async () => {
        const frame = await framePixels(plan, number, plane);
        return sliceDataset(plan, number, plane, isEncapsulated(series.transferSyntax) ? [frame] : frame);
      },
      picture: { plane: kind === 'axial_t2' ? 'axial' : 'sagittal', sequence },
      transferSyntax: series.transferSyntax,
      label: { series: series.id, instance: plane.instance },
      instance: plane.instance,
    }));
}

/** A series as one enhanced file, with the macros for its acquisition (PS3.3 C.8.13.5). */
function enhancedImage(plan: StudyPlan, number: number): ImageDraft {
  const series = plan.series[number]!;
  const { kind, sequence } = series.stack;
  const planes = [...series.stack.planes].sort((a, b) => a.instance - b.instance);
  const build = async (): Promise<DicomDataset> => {
    const frames: Uint8Array[] = [];
    for (const plane of planes) frames.push((await framePixels(plan, number, plane)) as Uint8Array);
    const pixels = isEncapsulated(series.transferSyntax) ? frames : Buffer.concat(frames);
    const dataset = multiFrameDataset(plan, number, planes, pixels);
    // The single-frame image of the same series has the times.
    const { EchoTime, RepetitionTime, ImageType } = { ...sliceDataset(plan, number, planes[0]!, ''), ...dataset };
    const [shared] = dataset.SharedFunctionalGroupsSequence as readonly DicomDataset[];
    return {
      ...dataset,
      AcquisitionContrast: sequence === 'stir' ? 'STIR' : sequence.toUpperCase(),
      ComplexImageComponent: 'MAGNITUDE',
      EchoPulseSequence: 'SPIN',
      SharedFunctionalGroupsSequence: [
        {
          ...shared,
          MRTimingAndRelatedParametersSequence: [{ RepetitionTime, FlipAngle: 90, EchoTrainLength: 16 }],
          MREchoSequence: [{ EffectiveEchoTime: EchoTime }],
          MRImageFrameTypeSequence: [{ FrameType: ImageType }],
        },
      ],
    };
  };
  return {
    outcome: { read: kind },
    build,
    picture: { plane: kind === 'axial_t2' ? 'axial' : 'sagittal', sequence, enhanced: true },
    transferSyntax: series.transferSyntax,
    label: { series: series.id, instance: 1 },
    instance: 1,
  };
}
