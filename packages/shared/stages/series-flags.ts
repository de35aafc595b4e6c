/** Flags of one series: what was left out, what is odd about the position of its slices, what was repaired. */

import type { SeriesEntry } from '../dataset/index.ts';
import type { DicomHeader } from '../dicom/index.ts';
import type { Flag, Kind } from '../domain/index.ts';
import { isMirrored, isOblique, planeKind, type SliceOrder } from '../geometry/index.ts';
import { REJECTIONS, type RejectedUnits, type Unit } from '../series/index.ts';
import type { IndexedSlice } from './artefacts.ts';

/** A series with fewer slices than this is flagged, since crops then repeat slices. */
const FEW_SLICES = 5;

/** Slices whose cosines differ by more than this (about half a degree) belong to blocks with different angles. */
const SAME_PLANE = 0.01;

/** Flags rejected images: some images of a series that is read, or all images of an entry. */
export function flagRejected(
  series: string,
  kind: Kind | undefined,
  rejected: readonly RejectedUnits<Unit>[],
  someRead: boolean,
  flags: Flag[],
): void {
  for (const { units, rejection, reason } of rejected) {
    const detail = `${units.length} ${units.length === 1 ? 'image' : 'images'}: ${REJECTIONS[rejection]} (${reason})`;
    flags.push({ code: someRead ? 'slice_rejected' : 'series_kind_unknown', kind, series, detail });
  }
}

/** Flags a series that is not read because some or all of its files cannot be read, with the first reason. */
export function flagUnread(
  { series, kind, problems, instances }: SeriesEntry,
  unreadable: readonly Flag[],
  othersRead: boolean,
  flags: Flag[],
): void {
  const first = unreadable[0];
  const none = instances.length === 0 ? 'the dataset lists no file for it' : 'no file of it could be read';
  const few = `${unreadable.length} ${unreadable.length === 1 ? 'file' : 'files'} of it could not be read`;
  const what = othersRead ? few : 'no file of it could be read';
  const detail = first ? `${what}; the first: ${first.detail}` : (problems?.[0]?.message ?? none);
  flags.push({ code: 'series_unreadable', kind, series, instance: first?.instance, detail });
}

export function flagRepairs(
  series: string,
  kind: Kind | undefined,
  found: readonly { readonly header: Pick<DicomHeader, 'repaired'> }[],
  flags: Flag[],
): void {
  const repaired = new Set(found.filter(({ header }) => header.repaired.length > 0).map(({ header }) => header));
  if (repaired.size === 0) return;
  const [first] = repaired;
  flags.push({ code: 'value_repaired', kind, series, detail: `${repaired.size} files, such as ${first!.repaired[0]}` });
}

/** Flags slices that are stored rotated or mirrored, and slices too far from the plane of their kind. */
export function flagOrientation(slices: readonly IndexedSlice[], kind: Kind, series: string, flags: Flag[]): void {
  const count = (some: readonly IndexedSlice[]) => `${some.length} of ${slices.length} slices`;
  const turned = slices.filter(({ turn }) => turn && !isMirrored(turn));
  const mirrored = slices.filter(({ turn }) => turn && isMirrored(turn));
  const oblique = slices.filter(({ orientation }) => isOblique(orientation, kind));
  if (turned.length > 0) flags.push({ code: 'orientation_turned', kind, series, detail: count(turned) });
  if (mirrored.length > 0) flags.push({ code: 'orientation_mirrored', kind, series, detail: count(mirrored) });
  if (oblique.length > 0) flags.push({ code: 'orientation_oblique', kind, series, detail: count(oblique) });
}

export function flagOrder(order: SliceOrder<IndexedSlice>, kind: Kind, series: string, flags: Flag[]): void {
  const { ordered, repeated, gaps, mismatched, asPromised } = order;
  for (const { instance } of repeated) flags.push({ code: 'slice_repeated', kind, series, instance });
  for (const { instance } of mismatched) {
    flags.push({ code: 'slice_not_placed', kind, series, instance, detail: 'its plane is not that of the series' });
  }
  for (const { after, distanceMm, typicalMm } of gaps) {
    const next = ordered[ordered.indexOf(after) + 1];
    // The distance between blocks angled to the discs is no gap.
    if (next?.orientation.some((cosine, i) => Math.abs(cosine - after.orientation[i]!) > SAME_PLANE)) continue;
    const detail = `${distanceMm.toFixed(1)} mm to the next slice, usually ${typicalMm.toFixed(1)} mm`;
    flags.push({ code: 'slice_gap', kind, series, instance: after.instance, detail });
  }
  const sizes = new Set(ordered.map(({ rows, columns }) => `${columns}x${rows}`));
  if (sizes.size > 1) flags.push({ code: 'slice_sizes_differ', kind, series, detail: [...sizes].join(', ') });
  if (ordered.length < FEW_SLICES)
    flags.push({
      code: 'slices_few',
      kind,
      series,
      detail: `${ordered.length} ${ordered.length === 1 ? 'slice' : 'slices'}`,
    });
  if (!asPromised && ordered[0]) {
    flags.push({ code: 'orientation_unexpected', kind, series, detail: `${planeKind(ordered[0].orientation)} planes` });
  }
  const frames = new Set(ordered.map(({ frameOfReference }) => frameOfReference));
  if (frames.has(null)) flags.push({ code: 'frame_of_reference_missing', kind, series });
  if (frames.size > 1) {
    flags.push({ code: 'frame_of_reference_differs', kind, series, detail: 'its own slices are in several frames' });
  }
}
