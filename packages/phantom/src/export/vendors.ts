/**
 * The scanners of an export: the headers of each vendor, one row per vendor. The values imitate real scanners
 * (ImageType, sequence attributes, private elements, numbering); all images are the phantom's.
 */

import type { Sequence } from '../anatomy/tissue.ts';
import type { DicomDataset, DicomValue } from '../dicom-writer.ts';

export interface Vendor {
  /** Number of its UIDs below 2.999, the arc for examples (ITU-T X.660). */
  readonly arc: number;
  /** Attributes of every object of the scanner. */
  readonly equipment: DicomDataset;
  /** Attributes of every MR image that is neither a localizer nor derived. */
  readonly picture: DicomDataset;
  /** ImageType of a localizer; by default that of other images. */
  readonly localizer?: readonly string[];
  readonly sequences: Readonly<Record<Sequence, DicomDataset>>;
  /** Private elements of an MR image, with the vendor's name of `plane`. */
  readonly privates: (plane: 'sagittal' | 'axial' | 'coronal', place: number) => DicomDataset;
  /** SeriesNumber of the nth series of a study; n starts at 1. */
  readonly seriesNumber: (nth: number) => number;
  /** Whether instance numbers start at 1 or 0 in each series, or continue through the study. */
  readonly instances: 'from 1' | 'from 0' | 'through the study';
  /** AcquisitionNumber: always 1, the number of the series, or a different one per slice. */
  readonly acquisitions: 'one' | 'series' | 'slice';
  /** Whether WindowCenter and WindowWidth are written. */
  readonly window: boolean;
  /** Whether PixelPaddingValue is written although no pixel is padding. It is the lowest value of the format. */
  readonly namesPadding?: boolean;
}

const bytes = (text: string): DicomValue => Buffer.from(text, 'latin1');

export const VENDORS = {
  siemens: {
    arc: 1,
    equipment: {
      SpecificCharacterSet: 'ISO_IR 100',
      Manufacturer: 'SIEMENS',
      ManufacturerModelName: 'Aera',
      SoftwareVersions: 'syngo MR E11',
      BodyPartExamined: 'LSPINE',
    },
    picture: {
      ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'ND', 'NORM'],
      SequenceVariant: ['SK', 'SP', 'OSP'],
      ScanOptions: ['SAT1', 'PFP'],
      FlipAngle: 150,
    },
    sequences: {
      t2: { SequenceName: '*tse2d1_17' },
      t1: { SequenceName: '*tse2d1_3' },
      stir: { SequenceName: '*tir2d1_15', ScanOptions: ['IR', 'SAT1'] },
    },
    privates: (plane, place) => ({
      '00290010:LO': 'SIEMENS CSA HEADER',
      '00291008:CS': 'IMAGE NUM 4',
      '00291009:LO': '20000101',
      '00291010:OB': bytes(`SV10\x04\x03\x02\x01phantom ${place}`),
      '00510010:LO': 'SIEMENS MR HEADER',
      '0051100E:LO': { sagittal: 'Sag', axial: 'Tra', coronal: 'Cor' }[plane],
    }),
    seriesNumber: (nth) => nth,
    instances: 'from 1',
    acquisitions: 'one',
    window: true,
  },
  ge: {
    arc: 2,
    equipment: {
      SpecificCharacterSet: 'ISO_IR 100',
      Manufacturer: 'GE MEDICAL SYSTEMS',
      ManufacturerModelName: 'Optima MR450w',
      SoftwareVersions: ['24', 'LX', 'MR Software release:DV24'],
      BodyPartExamined: 'SPINE',
    },
    picture: {
      ImageType: ['ORIGINAL', 'PRIMARY', 'OTHER'],
      SequenceVariant: ['SK', 'OSP'],
      ScanOptions: ['FAST_GEMS', 'NPW', 'TRF_GEMS', 'FC'],
      FlipAngle: 111,
    },
    localizer: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'],
    namesPadding: true,
    sequences: { t2: {}, t1: {}, stir: {} },
    privates: (plane, place) => ({
      '00190010:LO': 'GEMS_ACQU_01',
      '0019109C:LO': 'FSE-XL',
      '0019109E:LO': 'fse',
      '00270010:LO': 'GEMS_IMAG_01',
      '00271041:FL': place,
      '00430010:LO': 'GEMS_PARM_01',
      '00431039:IS': [1000, 8, 0, 0],
      '00271060:FL': { sagittal: 4, axial: 2, coronal: 8 }[plane],
    }),
    seriesNumber: (nth) => nth,
    instances: 'from 1',
    acquisitions: 'one',
    window: true,
  },
  philips: {
    arc: 3,
    equipment: {
      SpecificCharacterSet: 'ISO_IR 100',
      Manufacturer: 'Philips Medical Systems',
      ManufacturerModelName: 'Ingenia',
      SoftwareVersions: ['5.3.1', '5.3.1.0'],
      BodyPartExamined: 'LSPINE',
    },
    picture: { ImageType: ['ORIGINAL', 'PRIMARY', 'M_SE', 'M', 'SE'], ScanOptions: 'OTHER', FlipAngle: 90 },
    localizer: ['ORIGINAL', 'PRIMARY', 'M_FFE', 'M', 'FFE'],
    sequences: { t2: {}, t1: {}, stir: { ImageType: ['ORIGINAL', 'PRIMARY', 'M_IR', 'M', 'IR'] } },
    privates: (plane, place) => ({
      '20010010:LO': 'Philips Imaging DD 001',
      '2001100A:IS': place,
      '2001100B:CS': { sagittal: 'SAGITTAL', axial: 'TRANSVERSAL', coronal: 'CORONAL' }[plane],
      '20050010:LO': 'Philips MR Imaging DD 001',
      '2005100D:FL': 0,
      '2005100E:FL': 0.0125,
    }),
    seriesNumber: (nth) => 100 * nth + 1,
    instances: 'from 1',
    acquisitions: 'series',
    window: true,
  },
  canon: {
    arc: 4,
    equipment: {
      SpecificCharacterSet: 'ISO_IR 192',
      Manufacturer: 'CANON_MEC',
      ManufacturerModelName: 'Vantage Orian',
      SoftwareVersions: 'V6.0',
      BodyPartExamined: 'LSPINE',
    },
    picture: { ImageType: ['ORIGINAL', 'PRIMARY'], SequenceVariant: 'NONE', ScanOptions: 'NP', FlipAngle: 90 },
    localizer: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'],
    sequences: { t2: { SequenceName: 'FSE2D' }, t1: { SequenceName: 'FSE2D' }, stir: { SequenceName: 'FASTSTIR' } },
    privates: (_plane, place) => ({
      '700D0010:LO': 'TOSHIBA_MEC_MR3',
      '700D1000:DS': place,
      '700D1001:US': 1,
      '700D1008:OB': bytes('phantom'),
    }),
    seriesNumber: (nth) => 1000 * nth,
    instances: 'through the study',
    acquisitions: 'one',
    window: true,
  },
  hitachi: {
    arc: 5,
    equipment: {
      SpecificCharacterSet: 'ISO_IR 100',
      Manufacturer: 'Hitachi Medical Corporation',
      ManufacturerModelName: 'ECHELON Smart',
      SoftwareVersions: 'V7.0',
      BodyPartExamined: '',
    },
    picture: { ImageType: ['ORIGINAL', 'PRIMARY', 'OTHER'], SequenceVariant: 'SK', ScanOptions: '' },
    sequences: { t2: { SequenceName: 'FSE' }, t1: { SequenceName: 'SE' }, stir: { SequenceName: 'FIR' } },
    privates: (plane) => ({
      '00090010:LO': 'HMC',
      '00091001:LO': plane.slice(0, 3).toUpperCase(),
      '00190010:LO': 'HMC - MR',
      '00191001:UN': bytes('phantom\0'),
    }),
    seriesNumber: (nth) => nth,
    instances: 'from 0',
    acquisitions: 'slice',
    window: false,
  },
} as const satisfies Record<string, Vendor>;
export type VendorName = keyof typeof VENDORS;
