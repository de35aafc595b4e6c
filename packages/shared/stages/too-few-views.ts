/**
 * Whether a study has enough views to be scored. A target without any view gets the class shares of the training set,
 * which do not depend on the images. If that holds for too many targets, the study fails, and the message says what was
 * missing. Source of the rule: docs/pipeline.md, "Too few views".
 */

import {
  counted,
  FLAG_MEANINGS,
  type Flag,
  type FlagCode,
  type Kind,
  SERIES_DESCRIPTIONS,
  StudyError,
} from '../domain/index.ts';
import type { RejectedSeries, SeriesIndex } from './artefacts.ts';
import { hasView, type TargetViews } from './severities.ts';

/**
 * The flags that explain missing views, in the order in which they are told, and the part of the message that tells
 * them: what is missing or cannot be related to other series, or which images exist but were not read. Flags about
 * images that were read are in the record of the failure only.
 */
const REASONS = {
  series_kind_missing: 'missing',
  no_axial_in_frame: 'missing',
  frame_of_reference_missing: 'missing',
  frame_of_reference_differs: 'missing',
  series_unreadable: 'not read',
  series_kind_unknown: 'not read',
  slice_rejected: 'not read',
  description_contradicts_header: 'record only',
  orientation_oblique: 'record only',
  orientation_unexpected: 'record only',
  slice_unreadable: 'not read',
  slice_not_placed: 'not read',
  dataset_problem: 'not read',
} as const satisfies Partial<Record<FlagCode, string>>;
type ReasonCode = keyof typeof REASONS;

/** How many items each part of the message names. The record of the failure lists all. */
const NAMED = 4;

export interface StudyViews {
  readonly study: string;
  readonly index: SeriesIndex;
  /** Of all artefacts that the views come from. */
  readonly flags: readonly Flag[];
  /** The views of all targets. */
  readonly targets: readonly TargetViews[];
}

/**
 * @param allowed largest share of the targets, 0 to 1, that may have no view.
 * @throws {StudyError} `STUDY_TOO_FEW_VIEWS` if more targets have no view. The message says which series were found and
 *   of which kind, what is missing, what was not read, and what to do, separated by semicolons.
 */
export function assertEnoughViews({ study, index, flags, targets }: StudyViews, allowed: number): void {
  const withoutView = targets.filter((one) => !hasView(one)).map(({ target }) => target.name);
  if (withoutView.length / targets.length <= allowed) return;
  const series = index.series.map(({ series, kind, used, slices }) => ({ series, kind, used, slices: slices.length }));
  const { rejected = [] } = index;
  const groups = groupReasons(flags);
  const told = (part: string) => groups.filter(({ first }) => REASONS[first.code as ReasonCode] === part);
  const missing = [...told('missing').map(reasonOf), ...relationsMissing(series)];
  const notRead = [
    ...rejectedByReason(rejected),
    ...told('not read')
      .filter(({ first }) => !isAmongRejected(first, rejected))
      .map(reasonOf),
  ];
  const parts = [
    someOf(series.map(seriesText)) || 'no series',
    `missing: ${someOf(missing) || 'not known'}`,
    ...(notRead.length > 0 ? [`not read: ${someOf(notRead)}`] : []),
  ];
  throw new StudyError(
    'STUDY_TOO_FEW_VIEWS',
    `${withoutView.length} of ${targets.length} targets have no view, so the study is not scored`,
    {
      study,
      expected: `at most ${Math.floor(allowed * targets.length + 1e-9)} without a view (SPINELINE_MAX_CLASS_SHARES is ${allowed})`,
      found: parts.join('; '),
      hint:
        'to score it nevertheless, run `score` again with SPINELINE_MAX_CLASS_SHARES=1, or on a cluster raise it for ' +
        'the stage-3 workers and then run `spineline retry RUN --kind permanent`',
      views: {
        targets: targets.length,
        withoutView,
        allowed,
        series,
        rejected,
        flags: groups.map(({ first }) => first),
      },
    },
  );
}

interface Reasons {
  readonly first: Flag;
  /** Flags of the same code, kind and series. */
  readonly count: number;
}

/** In the order of {@link REASONS}. */
function groupReasons(flags: readonly Flag[]): Reasons[] {
  const groups = new Map<string, Reasons>();
  for (const code of Object.keys(REASONS)) {
    for (const flag of flags.filter((one) => one.code === code)) {
      // Each problem of the dataset is a sentence of its own, so these are not grouped.
      const key = JSON.stringify([code, flag.kind, flag.series, code === 'dataset_problem' ? flag.detail : null]);
      const known = groups.get(key);
      groups.set(key, { first: known?.first ?? flag, count: (known?.count ?? 0) + 1 });
    }
  }
  return [...groups.values()];
}

/** Whether the message reports this flag already, as rejected images of the series. */
function isAmongRejected({ code, series }: Flag, rejected: readonly RejectedSeries[]): boolean {
  const isOfRejected = code === 'slice_rejected' || code === 'series_kind_unknown';
  return isOfRejected && rejected.some((one) => one.series === series);
}

/** Rejected images, grouped by reason, since an export may have many localizers. */
function rejectedByReason(rejected: readonly RejectedSeries[]): string[] {
  return [...Map.groupBy(rejected, ({ reason }) => reason)].map(([reason, all]) => {
    const images = counted(
      all.reduce((sum, one) => sum + one.images, 0),
      'image',
    );
    return `series ${someOf(all.map(({ series }) => series))} (${images}: ${reason})`;
  });
}

function reasonOf({ first, count }: Reasons): string {
  const { code, kind, series, instance, detail } = first;
  if (code === 'series_kind_missing' && kind) return `no usable ${SERIES_DESCRIPTIONS[kind]} series`;
  const name = kind && SERIES_DESCRIPTIONS[kind];
  const subject = series === undefined ? name : `series ${series}${name ? ` (${name})` : ''}`;
  const meaning = code === 'dataset_problem' ? (detail ?? FLAG_MEANINGS[code]) : FLAG_MEANINGS[code];
  const more = [
    count > 1 && `${count} times`,
    instance !== undefined && `${count > 1 ? 'first ' : ''}${instance}`,
    code !== 'dataset_problem' && detail,
  ].filter(Boolean);
  return `${subject ? `${subject}: ` : ''}${meaning}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}

/** What no flag says: without a sagittal T2 series the axial series cannot be used. */
function relationsMissing(series: readonly { readonly kind: Kind }[]): string[] {
  const has = (kind: Kind) => series.some((one) => one.kind === kind);
  if (!has('axial_t2') || has('sagittal_t2')) return [];
  return [`without a ${SERIES_DESCRIPTIONS.sagittal_t2} series no level can be found in the axial slices`];
}

function seriesText(one: { series: string; kind: Kind; used: boolean; slices: number }): string {
  const count = counted(one.slices, 'slice');
  return `series ${one.series} read as ${SERIES_DESCRIPTIONS[one.kind]} (${count}${one.used ? '' : ', not used'})`;
}

function someOf(texts: readonly string[]): string {
  const more = texts.length - NAMED;
  // A semicolon separates the parts of the message, so no item has one.
  const named = texts.slice(0, NAMED).map((text) => text.replaceAll('; ', ', '));
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
