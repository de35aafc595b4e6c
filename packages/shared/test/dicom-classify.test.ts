/** What kind of series an image belongs to, by its description and by its acquisition. */

import { describe, expect, it } from 'vitest';
import { classifySeries, type DicomHeader, readHeader } from '../dicom/index.ts';
import { dicomFile, imageElements, type Overrides } from './support/dicom-bytes.ts';

const SAGITTAL = '0\\1\\0\\0\\0\\-1';
const AXIAL = '1\\0\\0\\0\\1\\0';
const CORONAL = '1\\0\\0\\0\\0\\-1';

interface Acquisition {
  orientation?: string;
  description?: string;
  te?: number;
  tr?: number;
  ti?: number;
  sequence?: string;
  imageType?: string;
  modality?: string;
  contrast?: string;
}

function header(one: Acquisition): DicomHeader {
  const overrides: Overrides = {
    '00080008': ['CS', one.imageType ?? 'ORIGINAL\\PRIMARY\\OTHER'],
    '00080060': ['CS', one.modality ?? 'MR'],
    ...(one.description && { '0008103e': ['LO', one.description] as const }),
    ...(one.contrast && { '00089209': ['CS', one.contrast] as const }),
    '00180020': ['CS', one.sequence ?? 'SE'],
    ...(one.tr && { '00180080': ['DS', `${one.tr}`] as const }),
    ...(one.te && { '00180081': ['DS', `${one.te}`] as const }),
    ...(one.ti && { '00180082': ['DS', `${one.ti}`] as const }),
    '00200037': ['DS', one.orientation ?? SAGITTAL],
  };
  return readHeader(dicomFile({ elements: imageElements(overrides) }));
}

describe('classifySeries', () => {
  it.each<[string, Acquisition, string]>([
    ['Sag T2 FSE', { description: 'SAG_T2-FSE' }, 'sagittal_t2'],
    ['Sagittal STIR', { description: 'Sagittal STIR' }, 'sagittal_t2'],
    ['t2_tirm_sag', { description: 't2_tirm_sag_320' }, 'sagittal_t2'],
    ['Sag T1', { description: 'T1W_TSE sag' }, 'sagittal_t1'],
    ['Ax T2', { description: 'AX T2 L1-S1', orientation: AXIAL }, 'axial_t2'],
    [
      'Ax T2 angled by 45 degrees to L5/S1',
      { te: 100, tr: 4000, orientation: '1\\0\\0\\0\\0.7071\\-0.7071' },
      'axial_t2',
    ],
    ['T2 by timing', { te: 100, tr: 3500 }, 'sagittal_t2'],
    ['T1 by timing', { te: 10, tr: 600 }, 'sagittal_t1'],
    ['STIR by timing', { te: 45, tr: 4000, ti: 160, sequence: 'SE\\IR' }, 'sagittal_t2'],
    ['T1 FLAIR by timing', { te: 25, tr: 2200, ti: 860, sequence: 'SE\\IR' }, 'sagittal_t1'],
    ['T2 by AcquisitionContrast', { contrast: 'T2' }, 'sagittal_t2'],
    ['STIR by AcquisitionContrast', { contrast: 'STIR' }, 'sagittal_t2'],
    ['both names, so by timing', { description: 'SAG T1 T2', te: 9, tr: 500 }, 'sagittal_t1'],
  ])('%s', (_, one, kind) => {
    expect(classifySeries(header(one))).toBe(kind);
  });

  it.each<[string, Acquisition]>([
    ['an axial T1', { description: 'AX T1', orientation: AXIAL }],
    ['a coronal T2', { description: 'COR T2', orientation: CORONAL }],
    ['a localizer by its name', { description: '3-Plane Localizer', te: 81, tr: 1600 }],
    ['a localizer by its image type', { imageType: 'ORIGINAL\\PRIMARY\\LOCALIZER', te: 81, tr: 1600 }],
    ['proton density by timing', { te: 20, tr: 3000 }],
    ['proton density by its name', { description: 'SAG PD', te: 100, tr: 3000 }],
    ['a gradient echo', { te: 12, tr: 500, sequence: 'GR' }],
    ['T2*', { description: 'AX T2* MERGE', orientation: AXIAL }],
    ['an echo-planar series', { te: 80, tr: 4000, sequence: 'EP\\SE' }],
    ['diffusion', { description: 'SAG DWI T2', te: 80, tr: 4000 }],
    ['a series without timing or name', {}],
    ['a series without orientation', { description: 'SAG T2', orientation: '0\\0\\0\\0\\0\\0' }],
    ['a CT', { description: 'SAG T2', modality: 'CT' }],
  ])('does not guess %s', (_, one) => {
    expect(classifySeries(header(one))).toBeUndefined();
  });

  it('takes frames in several planes for a localizer', () => {
    const one = header({ description: 'SAG T2' });
    const axial = header({ orientation: AXIAL });
    expect(classifySeries({ ...one, frames: [...one.frames, ...axial.frames] })).toBeUndefined();
  });
});
