/** Which words of a free text count, and that parts of words never do. */

import { describe, expect, it } from 'vitest';
import { findWords } from '../series/words.ts';

const meanings = (text: string) =>
  [...new Set(findWords(text).map(({ meaning }) => meaning))].filter((m) => m !== 'spin_echo');

describe('findWords', () => {
  it.each<[string, string[]]>([
    ['Sag_T2-FSE', ['sagittal', 't2']],
    ['SAG.T1', ['sagittal', 't1']],
    ['T2SAG', ['t2', 'sagittal']],
    ['T2 SAG', ['t2', 'sagittal']],
    ['sagT1', ['sagittal', 't1']],
    ['SagSTIR', ['sagittal', 'stir']],
    ['SAGSTIR', ['sagittal', 'stir']],
    ['STIRsag', ['stir', 'sagittal']],
    ['t2tsesag320', ['t2', 'sagittal']],
    ['T2W_TSE', ['t2']],
    ['T1W/TSE', ['t1']],
    ['AxT2FRFSE', ['axial', 't2']],
    ['sagT2newsequence', ['sagittal', 't2']],
    ['3DT2SPACE', ['t2']],
    ['SAGT13D', ['sagittal', 't1']],
    ['T12SAG', ['sagittal']],
    ['sT1W_TSE', ['t1']],
    ['T2*', ['gradient_echo']],
    ['T2 star', ['gradient_echo']],
    ['T2star', ['gradient_echo']],
    ['T1 FLAIR', ['t1']],
    ['PDw', ['proton_density']],
    ['LSpine', ['lumbar']],
    ['L-SPINE', ['lumbar']],
    ['L/S SPINE', ['lumbar']],
    ['L4/L5', ['lumbar']],
    ['L4-5', ['lumbar']],
    ['L5S1', ['lumbar']],
    ['C-SPINE', ['other_part']],
    ['T-spine', ['other_part']],
    ['Übersicht', ['localizer']],
    ['UEBERSICHT', ['localizer']],
    ['repérage', ['localizer']],
    ['Calibración', ['localizer']],
    ['3-Plane', ['localizer']],
    ['3Pl', ['localizer']],
    ['loc2', ['localizer']],
    ['adc800', ['derived']],
    ['+C', ['contrast_agent']],
    ['C+', ['contrast_agent']],
    ['w/o', ['no_contrast_agent']],
    ['Lendenwirbelsäule', ['lumbar']],
    ['Schädel', ['other_part']],
  ])('%s', (text, expected) => {
    expect(meanings(text).sort()).toEqual([...expected].sort());
  });

  // Towns, hospitals, families, vendors' words: each begins or ends like a word that counts.
  it.each(
    (
      'Greenville Greifswald Greve Gregory Locarno Lockport Loch Lochner Loco Medical Medicine Medicity Merger Mergentheim ' +
      'Pdraza Pdorf Adcock Adcox Diffringen Differdange Tracey Tracer Traceland Perfetti Perforce Subiaco Suburban Subotica ' +
      'Mipham Mippel Myelos Scouten Surveyor Calibre Calistoga Shimada Boldt Bolden Projecto Maskell Maskat Swing Swindon ' +
      'Flashman Angiolini Cinema Epidauros Epinal Reformation Captured Reporter Pilotto Corsica Cortina Saginaw Sagunto ' +
      'Axminster Tralee Transylvania Stirling Tirmenstein Kneeland Kneecap Brainerd Hipperholme Shoulderstone Ankleton ' +
      'Headley Neckar Chester Handsworth Footscray Cervia Cervantes Dorsalino Lumbini Lumberton T10 T12 T11 T1000 T20 PDQ ' +
      'Fatima Fatsia Postdam Gadsden Preston Watermill Hemochron Protonix Fiestaland Sworder Vibert Flairton Tracor Corax Corse Trapd Korse Saggd'
    ).split(' '),
  )('finds nothing in %s, alone or beside T2', (name) => {
    expect(meanings(name)).toEqual([]);
    expect(meanings(`${name}_SAG-T2`)).toEqual(['sagittal', 't2']);
    expect(meanings(`SAG T2 ${name.toUpperCase()}`)).toEqual(['sagittal', 't2']);
  });

  it('shows words of its own lists only', () => {
    for (const text of ['Müller^Hans LOC 19610203', 'Dr. Perf T2', 'sag T1 Doe John']) {
      for (const { word } of findWords(text)) expect('loc t2 t1 sag perf').toContain(word);
    }
  });

  it('takes no time over a text without end', () => {
    const started = performance.now();
    for (const text of ['t2'.repeat(50_000), 'a1'.repeat(50_000), '3 '.repeat(50_000)]) findWords(text);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('reads nothing, and letters of other scripts, without a word', () => {
    expect(findWords(undefined)).toEqual([]);
    expect(findWords('')).toEqual([]);
    expect(findWords('腰椎 поясничный')).toEqual([]);
    expect(meanings('腰椎 SAG T2')).toEqual(['sagittal', 't2']);
  });
});
