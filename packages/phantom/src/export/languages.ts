/**
 * Texts that radiographers write into StudyDescription, SeriesDescription and ProtocolName, one row per language and
 * habit.
 */

import type { Kind } from '@spineline/shared/domain';

export type Language = Readonly<Record<Kind | 'study' | 'localizer', string>>;

export const LANGUAGES = {
  english: {
    study: 'MRI LUMBAR SPINE W/O CONTRAST',
    sagittal_t2: 'SAG T2 FSE',
    sagittal_t1: 'SAG T1 FSE',
    axial_t2: 'AX T2 FSE',
    localizer: '3-PLANE LOC',
  },
  shorthand: {
    study: 'L-SPINE ROUTINE',
    sagittal_t2: 'T2W_TSE_SAG',
    sagittal_t1: 'T1W_TSE_SAG',
    axial_t2: 'T2W_TSE_TRA',
    localizer: 'SURVEY',
  },
  german: {
    study: 'MRT LWS nativ',
    sagittal_t2: 't2_tse_sag_320 LWS',
    sagittal_t1: 't1_tse_sag_320 LWS',
    axial_t2: 't2_tse_tra LWS',
    localizer: 'localizer',
  },
  french: {
    study: 'IRM du rachis lombaire',
    sagittal_t2: 'T2 SAGITTAL',
    sagittal_t1: 'T1 SAGITTAL',
    axial_t2: 'T2 AXIAL étagé',
    localizer: 'REPERAGE',
  },
  spanish: {
    study: 'RM COLUMNA LUMBAR',
    sagittal_t2: 'SAGITAL T2',
    sagittal_t1: 'SAGITAL T1',
    axial_t2: 'AXIAL T2 L3-S1',
    localizer: 'LOCALIZADOR',
  },
  italian: {
    study: 'RM rachide lombosacrale',
    sagittal_t2: 'Sagittale T2 FSE',
    sagittal_t1: 'Sagittale T1 SE',
    axial_t2: 'Assiale T2 FSE',
    localizer: 'Localizzatore',
  },
  portuguese: {
    study: 'RM da coluna lombar',
    sagittal_t2: 'SAG T2 coluna lombar',
    sagittal_t1: 'SAG T1 coluna lombar',
    axial_t2: 'AXIAL T2 coluna lombar',
    localizer: 'LOCALIZADOR',
  },
  dutch: {
    study: 'MRI lumbale wervelkolom',
    sagittal_t2: 'T2 sagittaal LWK',
    sagittal_t1: 'T1 sagittaal LWK',
    axial_t2: 'T2 transversaal LWK',
    localizer: 'Survey',
  },
  japanese: {
    study: '腰椎 MRI',
    sagittal_t2: '腰椎 T2 SAG',
    sagittal_t1: '腰椎 T1 SAG',
    axial_t2: '腰椎 T2 AXI',
    localizer: 'LOCATOR 位置決め',
  },
} as const satisfies Record<string, Language>;
export type LanguageName = keyof typeof LANGUAGES;
