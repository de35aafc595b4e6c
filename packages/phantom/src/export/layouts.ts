/** Folders and names of the files of an export: one row per layout and per way of naming. */

/** The parts of a path. Patients, studies and series are numbered from 0 within their parent. */
export interface Placed {
  readonly patient: { readonly number: number; readonly id: string };
  readonly study: { readonly number: number; readonly uid: string; readonly date: string };
  readonly series: { readonly number: number; readonly seriesNumber: number; readonly uid: string };
  readonly image: {
    /** Number within its series, and within its study, from 0. */
    readonly number: number;
    readonly running: number;
    readonly uid: string;
  };
}

const digits = (value: number, width: number) => String(value).padStart(width, '0');

/** Names of files, unique in a study and in a series. */
export const FILE_NAMES = {
  /** The UID, without an extension, although its last component looks like one. */
  uid: ({ image }: Placed) => image.uid,
  uid_dcm: ({ image }: Placed) => `${image.uid}.dcm`,
  ima: ({ series, image }: Placed) => `LWS.MR.SPINE.${digits(series.number + 1, 4)}.${digits(image.number + 1, 4)}.IMA`,
  letter_i: ({ image }: Placed) => `I${(image.running + 1) * 10}`,
  im_dcm: ({ series, image }: Placed) => `IM-${digits(series.number + 1, 4)}-${digits(image.number + 1, 4)}.dcm`,
  im: ({ image }: Placed) => `IM_${digits(image.running + 1, 4)}`,
  mr: ({ image }: Placed) => `MR${digits(image.running, 6)}`,
  mrdcm: ({ image }: Placed) => `i${4_711_000 + image.running}.MRDCM`,
  dicom: ({ series, image }: Placed) => `image-${series.number + 1}-${image.number + 1}.dicom`,
} as const;
export type FileNameStyle = keyof typeof FILE_NAMES;

/** The folder of a file, below the export. The `media` have a DICOMDIR: names of eight characters (PS3.10 8.5). */
export const LAYOUTS = {
  'cd-1': media,
  'cd-2': media,
  /** All studies in one folder. */
  'pacs-flat': () => '',
  archive: ({ patient, study, series }: Placed) =>
    `${patient.id}/${study.date} MR LUMBAR SPINE/${digits(series.seriesNumber, 4)}`,
  uids: ({ study, series }: Placed) => `${study.uid}/${series.uid}`,
  /** One folder per study, with the files of all its series. */
  workstation: ({ patient }: Placed) => `case ${patient.number + 1}`,
  inbox: ({ patient, series }: Placed) => `${patient.id}/S${digits(series.seriesNumber, 5)}`,
} as const satisfies Record<string, (placed: Placed) => string>;
export type LayoutName = keyof typeof LAYOUTS;

/** Layouts that are media with a DICOMDIR. */
export const MEDIA: readonly LayoutName[] = ['cd-1', 'cd-2'];

function media({ patient, study, series }: Placed): string {
  return `DICOM/PA${digits(patient.number, 6)}/ST${digits(study.number, 6)}/SE${digits(series.number, 6)}`;
}

/** The path of a file, relative to the export, with `/` between its parts. */
export function pathOf(layout: LayoutName, style: FileNameStyle, placed: Placed): string {
  const place: (placed: Placed) => string = LAYOUTS[layout];
  const name = MEDIA.includes(layout) ? `MR${digits(placed.image.number, 6)}` : FILE_NAMES[style](placed);
  return [layout, place(placed), name].filter((part) => part !== '').join('/');
}
