/**
 * Writes one study of an export: adds numbers, UIDs, a vendor's attributes and paths to the drafts, and writes the
 * files.
 */

import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KINDS } from '@spineline/shared/domain';
import { type DicomDataset, writeDicom } from '../dicom-writer.ts';
import { studyId } from '../identifiers.ts';
import { PHANTOM_NOTICE } from '../notice.ts';
import { numberFrames, planStudy, type StudyPlan } from '../study-plan.ts';
import { recordOf, type StudyRecord } from '../study.ts';
import { TRANSFER_SYNTAXES } from '../transfer-syntaxes.ts';
import { decoySeries } from './decoys.ts';
import type { ImageDraft, SeriesDraft } from './draft.ts';
import { expectationOf, type StudyExpectation, type WrittenImage } from './expectations.ts';
import { LANGUAGES } from './languages.ts';
import { pathOf } from './layouts.ts';
import { scoredSeries } from './scored-series.ts';
import { EXPORT_STUDIES, type ExportStudy } from './studies.ts';
import { TWISTS } from './twists.ts';
import { VENDORS, type Vendor } from './vendors.ts';

export interface ExportTask {
  /** The folder that holds all of the export's files. */
  readonly root: string;
  readonly seed: number;
  /** Index of the study. The rows of `studies.ts` are used in order and repeated. */
  readonly index: number;
  readonly small: boolean;
}

export interface ExportedStudy {
  readonly row: string;
  readonly layout: ExportStudy['layout'];
  /** StudyDate. */
  readonly date: string;
  readonly expectation: StudyExpectation;
  /** Its row in the tables of truth; `undefined` for a study that shows no lumbar spine. */
  readonly truth: StudyRecord | undefined;
  readonly images: readonly WrittenImage[];
  readonly bytes: number;
}

/** The same task always writes the same bytes. */
export async function writeExportStudy(task: ExportTask): Promise<ExportedStudy> {
  const row = rowAt(task.index);
  const vendor: Vendor = VENDORS[row.vendor];
  const plan = planOf(task, row);
  const drafts = draftsOf(plan, row);
  const study = identityOf(task, row);
  const images: WrittenImage[] = [];
  let bytes = 0;
  let instancesBefore = 0;
  for (const [number, series] of drafts.entries()) {
    const uid = exportUid(vendor, task.seed, task.index, series.name);
    const seriesNumber = vendor.seriesNumber(number + 1);
    for (const [place, image] of series.images.entries()) {
      const sopInstanceUid = exportUid(vendor, task.seed, task.index, series.name, place);
      const instance = instanceNumber(vendor, image, place, instancesBefore);
      const dataset: DicomDataset = {
        ...(await image.build()),
        ...attributesOf(vendor, row, series, image, place),
        ...study.attributes,
        ...series.header,
        ...image.header,
        SOPInstanceUID: sopInstanceUid,
        SeriesInstanceUID: uid,
        SeriesNumber: seriesNumber,
        InstanceNumber: instance,
        ...(image.picture && { AcquisitionNumber: acquisitionNumber(vendor, image, seriesNumber, place) }),
      };
      const path = pathOf(row.layout, row.names ?? 'uid', {
        ...study.place,
        series: { number, seriesNumber, uid },
        image: { number: place, running: images.length, uid: sopInstanceUid },
      });
      const whole = writeDicom(withPaddingHeader(dataset, vendor, image), { transferSyntax: image.transferSyntax });
      const file = whole.subarray(0, Math.round(whole.length * (image.kept ?? 1)));
      await mkdir(dirname(join(task.root, path)), { recursive: true });
      await writeFile(join(task.root, path), file);
      bytes += file.length;
      images.push({
        path,
        image,
        series: { name: series.name, uid, number: seriesNumber, contradiction: series.contradiction },
        instance,
        sopInstanceUid,
        sopClassUid: String(dataset.SOPClassUID),
        modality: String(dataset.Modality),
        transferSyntaxUid: TRANSFER_SYNTAXES[image.transferSyntax],
      });
    }
    instancesBefore += Math.max(...series.images.map((image, place) => image.instance ?? place + 1));
  }
  return {
    row: row.name,
    layout: row.layout,
    date: study.place.study.date,
    expectation: expectationOf(row, study, images),
    truth: plan.series.length > 0 ? truthOf(plan, study.uid, images) : undefined,
    images: images.map(withoutDraft),
    bytes,
  };
}

function rowAt(index: number): ExportStudy {
  return EXPORT_STUDIES[index % EXPORT_STUDIES.length]!;
}

function planOf({ seed, index, small }: ExportTask, row: ExportStudy): StudyPlan {
  const plan = planStudy(seed, index, false, { ...row.variation, small });
  const series = plan.series.map((one) => ({
    ...one,
    transferSyntax: row.transferSyntax ?? one.transferSyntax,
    ...(row.enhanced && { stack: numberFrames(one.stack), multiFrame: true }),
  }));
  return { ...plan, series: series.filter(({ stack }) => (row.kinds ?? KINDS).includes(stack.kind)) };
}

/** The drafts in the order of their series numbers: those marked `first`, those to be read, the others. */
function draftsOf(plan: StudyPlan, row: ExportStudy): SeriesDraft[] {
  const language = LANGUAGES[row.language];
  // Thumbnails use the scanner of the study's first series, even if that series is not part of the export.
  const whole = plan.series.length > 0 ? plan : planStudy(plan.seed, plan.index, false);
  const twist = row.twist ? TWISTS[row.twist] : (series: SeriesDraft[]) => series;
  const scored = twist(scoredSeries(plan, language), plan);
  const beside = row.beside.map((name) => decoySeries(whole, name, language));
  const first = beside.filter((series) => series.first);
  return [...first, ...scored, ...beside.filter((series) => !series.first)];
}

export interface StudyIdentity {
  readonly uid: string;
  readonly patientId: string;
  readonly attributes: DicomDataset;
  readonly place: {
    readonly patient: { readonly number: number; readonly id: string };
    readonly study: { readonly number: number; readonly uid: string; readonly date: string };
  };
}

/** Patient and date. A later study of a patient has the id of that patient. */
function identityOf({ seed, index }: ExportTask, row: ExportStudy): StudyIdentity {
  const patientIndex = (at: number): number => {
    const { patientOf } = rowAt(at);
    if (patientOf === undefined) return at;
    return at - (at % EXPORT_STUDIES.length) + EXPORT_STUDIES.findIndex(({ name }) => name === patientOf);
  };
  // Patients are numbered within their layout, studies within their patient.
  const before = Array.from({ length: index }, (_, at) => at).filter((at) => rowAt(at).layout === row.layout);
  const patients = [...new Set([...before, index].map(patientIndex))];
  const number = before.filter((at) => patientIndex(at) === patientIndex(index)).length;
  const patientId = studyId(seed, patientIndex(index));
  const uid = exportUid(VENDORS[row.vendor], seed, index);
  const date = new Date(Date.UTC(2000, 0, 1 + index)).toISOString().slice(0, 10).replaceAll('-', '');
  return {
    uid,
    patientId,
    attributes: {
      PatientID: patientId,
      StudyInstanceUID: uid,
      StudyDate: date,
      SeriesDate: date,
      StudyID: String(number + 1),
      InstitutionName: row.hospital ?? '',
      StudyDescription: LANGUAGES[row.language].study,
    },
    place: {
      patient: { number: patients.indexOf(patientIndex(index)), id: patientId },
      study: { number, uid, date },
    },
  };
}

/** The attributes that the scanner writes, without the identity of the image. */
function attributesOf(
  vendor: Vendor,
  row: ExportStudy,
  series: SeriesDraft,
  { picture }: ImageDraft,
  place: number,
): DicomDataset {
  const words = [row.hospital, series.description].filter((word) => word).join(' ');
  const described: DicomDataset = {
    SeriesDescription: words || undefined,
    ProtocolName: (picture && words) || undefined,
  };
  if (!picture) {
    const { BodyPartExamined: _, ...machine } = vendor.equipment;
    return { ...machine, ...described };
  }
  const shared: DicomDataset = { ...vendor.equipment, ...described, ImageComments: PHANTOM_NOTICE };
  const privates = vendor.privates(picture.plane, place + 1);
  if (picture.enhanced) return { ...shared, ...privates };
  return {
    ...shared,
    ...vendor.picture,
    ...vendor.sequences[picture.sequence],
    ...(picture.localizer && vendor.localizer && { ImageType: vendor.localizer }),
    ...(vendor.window && { WindowCenter: 600, WindowWidth: 1200 }),
    ...privates,
  };
}

/** Some scanners write the lowest value of the format as PixelPaddingValue, even if no pixel has it. */
function withPaddingHeader(dataset: DicomDataset, vendor: Vendor, { picture }: ImageDraft): DicomDataset {
  if (!vendor.namesPadding || !picture || dataset.Modality !== 'MR' || 'PixelPaddingValue' in dataset) return dataset;
  const lowest = dataset.PixelRepresentation === 1 ? -(2 ** (Number(dataset.BitsStored) - 1)) : 0;
  return { ...dataset, PixelPaddingValue: lowest };
}

function instanceNumber(vendor: Vendor, { instance }: ImageDraft, place: number, before: number): number {
  const fromOne = instance ?? place + 1;
  if (vendor.instances === 'from 0') return fromOne - 1;
  return vendor.instances === 'through the study' ? before + fromOne : fromOne;
}

function acquisitionNumber(vendor: Vendor, image: ImageDraft, seriesNumber: number, place: number): number {
  const own = image.acquisition ?? image.header?.AcquisitionNumber;
  if (own !== undefined) return Number(own);
  if (vendor.acquisitions === 'slice') return place + 1;
  return vendor.acquisitions === 'series' ? seriesNumber : 1;
}

/** A UID below 2.999, the arc for examples, with as many components as those of vendors. */
function exportUid(vendor: Vendor, ...path: readonly (string | number)[]): string {
  const hash = createHash('sha256')
    .update(`spineline export/${path.join('/')}`)
    .digest('hex');
  const parts = [hash.slice(0, 8), hash.slice(8, 20), hash.slice(20, 30)].map((part) => Number(`0x${part}`));
  return ['2.999', vendor.arc, ...parts].join('.');
}

/** The study's labels with the UIDs and instance numbers of the files. */
function truthOf(plan: StudyPlan, studyUid: string, images: readonly WrittenImage[]): StudyRecord {
  const files = new Map<string, WrittenImage>();
  for (const one of images) {
    const { label } = one.image;
    if (label) files.set(`${label.series}/${label.instance}`, one);
  }
  const record = recordOf(plan);
  const moved = <P extends { readonly seriesId: string; readonly instance: number }>(point: P): P => {
    const enhanced = files.get(`${point.seriesId}/1`);
    if (enhanced?.image.picture?.enhanced) return { ...point, seriesId: enhanced.series.uid };
    const { series, instance } = files.get(`${point.seriesId}/${point.instance}`)!;
    return { ...point, seriesId: series.uid, instance };
  };
  return {
    ...record,
    study: studyUid,
    targets: record.targets.map((target) => ({ ...target, place: target.place && moved(target.place) })),
    points: record.points.map(moved),
    files: images.length,
    bytes: 0,
  };
}

/** Functions cannot be sent between threads. */
function withoutDraft(written: WrittenImage): WrittenImage {
  const { build: _, ...image } = written.image;
  return { ...written, image: image as ImageDraft };
}
