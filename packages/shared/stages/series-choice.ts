/**
 * Chooses which series of a study are read, and flags several series of one kind, missing kinds, and different frames
 * of reference. Source of the rules: docs/pipeline.md, "Which series".
 */

import { type Flag, KINDS } from '../domain/index.ts';
import { comparePreference, type Preferred, whyPreferred } from '../series/index.ts';
import type { IndexedSeries } from './artefacts.ts';

/**
 * Picks the series to read. All axial series are pooled. Of the sagittal series of each kind one is read. The first
 * rule that makes a difference decides: it can show all five levels; for T2, it shares its frame of reference with most
 * axial slices; it is preferred by `series/preference.ts` (original images, no contrast agent, ...); it has most
 * slices; it comes first by name.
 */
export function chooseSeries(series: (IndexedSeries & Preferred)[], flags: Flag[]): void {
  const axial = series.filter(({ kind }) => kind === 'axial_t2').flatMap(({ slices }) => slices);
  const axialInFrame = ({ slices }: IndexedSeries) => {
    const frame = slices[0]!.frameOfReference;
    return frame === null ? 0 : axial.filter(({ frameOfReference }) => frameOfReference === frame).length;
  };
  for (const kind of KINDS) {
    const candidates = series.filter((one) => one.kind === kind);
    if (candidates.length === 0) flags.push({ code: 'series_kind_missing', kind });
    if (kind === 'axial_t2') {
      flagPooled(candidates, flags);
      continue;
    }
    const ranked = [...candidates].sort(
      (a, b) =>
        b.preference.complete - a.preference.complete ||
        (kind === 'sagittal_t2' ? axialInFrame(b) - axialInFrame(a) : 0) ||
        comparePreference(a, b) ||
        b.slices.length - a.slices.length ||
        a.series.localeCompare(b.series, 'en', { numeric: true }),
    );
    const chosen = ranked[0]!;
    for (const other of ranked.slice(1)) {
      other.used = false;
      const inFrame = kind === 'sagittal_t2' && axialInFrame(chosen) > axialInFrame(other);
      const why =
        inFrame && chosen.preference.complete === other.preference.complete
          ? 'it shares its frame of reference with more axial slices'
          : (whyPreferred(chosen, other) ?? 'it has more slices, or comes first by name');
      flags.push({
        code: 'series_not_used',
        kind,
        series: other.series,
        detail: `series ${chosen.series} was read: ${why}`,
      });
    }
  }
  flagFrames(series, flags);
}

function flagPooled(axial: readonly IndexedSeries[], flags: Flag[]): void {
  if (axial.length < 2) return;
  const kind = 'axial_t2';
  const sizes = axial.map(({ slices }) => `${slices[0]!.columns}x${slices[0]!.rows}`);
  const detail = axial.map(({ series }, i) => `series ${series} (${sizes[i]})`).join(', ');
  flags.push({ code: 'axial_series_pooled', kind, detail });
  if (new Set(sizes).size > 1) flags.push({ code: 'slice_sizes_differ', kind, detail });
}

function flagFrames(series: readonly IndexedSeries[], flags: Flag[]): void {
  const t2 = series.find(({ kind, used }) => used && kind === 'sagittal_t2');
  if (!t2) return;
  const frame = t2.slices[0]!.frameOfReference;
  const others = series.filter((one) => one.used && one !== t2);
  for (const { kind, series: name, slices } of others) {
    const other = slices[0]!.frameOfReference;
    // If one of the two is unknown, there is a flag frame_of_reference_missing already.
    if (frame === null || other === null || other === frame) continue;
    flags.push({ code: 'frame_of_reference_differs', kind, series: name });
  }
  const axial = others.filter(({ kind }) => kind === 'axial_t2');
  const inFrame = axial.some(
    ({ slices }) => frame !== null && slices.some((slice) => slice.frameOfReference === frame),
  );
  if (axial.length > 0 && !inFrame) flags.push({ code: 'no_axial_in_frame', kind: 'axial_t2' });
}
