/** Options of a dataset that its seed does not determine: forced severities, stored orientation, padding, size. */

import {
  ConfigError,
  LEVELS,
  type Level,
  type Severity,
  SIDES,
  type Side,
  TARGETS,
  type Target,
} from '@spineline/shared/domain';
import { FIELDS_OF_VIEW, type Padding } from './padding.ts';
import { STORED_AS, type StoredAs } from './stored-as.ts';

/** Plain data, so that it can be sent to a thread and written into `phantom.json`. */
export interface Variation {
  /** How the series of a plane are stored. Default `identity`. */
  readonly storedAs?: { readonly sagittal?: StoredAs | undefined; readonly axial?: StoredAs | undefined } | undefined;
  /** Padding of every image. Default none. */
  readonly padding?: Padding | undefined;
  /** Severities by target name; others are drawn. */
  readonly severities?: Readonly<Record<string, Severity>> | undefined;
  /** Halve rows and columns and double the spacing: a quarter of the bytes and of the time. */
  readonly small?: boolean | undefined;
}

/** The severity of a target; `undefined` if it is drawn. */
export type SeverityRule = (target: Target) => Severity | undefined;

/**
 * Foramina and recesses of one side severely narrowed, everything else normal, so that tests notice exchanged sides.
 *
 * @param levels the narrowed levels; default all five.
 */
export function oneSided(side: Side, levels: readonly Level[] = LEVELS): SeverityRule {
  return (target) => (target.side === side && levels.includes(target.level) ? 'severe' : 'normal_mild');
}

/** A rule as a table; `undefined` if it changes nothing. */
export function severityTable(rule: SeverityRule | undefined): Record<string, Severity> | undefined {
  if (!rule) return undefined;
  const rows = TARGETS.flatMap((target): [string, Severity][] => {
    const severity = rule(target);
    return severity ? [[target.name, severity]] : [];
  });
  return rows.length > 0 ? Object.fromEntries(rows) : undefined;
}

/** @throws {ConfigError} for an unknown orientation, value or field of view. */
export function checkVariation({ storedAs = {}, padding }: Pick<Variation, 'storedAs' | 'padding'>): void {
  for (const [plane, as] of Object.entries(storedAs)) {
    if (as !== undefined) oneOf(`storedAs.${plane}`, as, Object.keys(STORED_AS));
  }
  if (!padding) return;
  oneOf('padding.field', padding.field ?? 'circle', FIELDS_OF_VIEW);
  for (const value of [padding.value, padding.rangeLimit ?? padding.value]) {
    if (Number.isSafeInteger(value) && value >= -32768 && value <= 32767) continue;
    throw new ConfigError('phantom: padding cannot be used', {
      expected: 'whole numbers from -32768 to 32767',
      found: String(value),
    });
  }
}

/**
 * Parses `--stored-as`: one orientation for all series, or `sagittal=WAY`, `axial=WAY`, or both with a comma between
 * them.
 *
 * @throws {ConfigError} for an unknown orientation or plane.
 */
export function parseStoredAs(text: string): NonNullable<Variation['storedAs']> {
  const ways = Object.keys(STORED_AS);
  const parts = text.split(',').map((part) => part.trim().split('='));
  const storedAs = Object.fromEntries(
    parts.flatMap(([first, second]) => {
      const [planes, as] = second === undefined ? [['sagittal', 'axial'], first!] : [[first!], second];
      for (const plane of planes) oneOf('--stored-as', plane, ['sagittal', 'axial']);
      oneOf('--stored-as', as, ways);
      return planes.map((plane) => [plane, as]);
    }),
  );
  return storedAs;
}

/** @throws {ConfigError} for any other text. */
export function parseSide(text: string): Side {
  oneOf('--one-sided', text, SIDES);
  return text as Side;
}

function oneOf(name: string, found: string, known: readonly string[]): void {
  if (known.includes(found)) return;
  throw new ConfigError(`phantom: ${name} cannot be used`, { expected: `one of ${known.join(', ')}`, found });
}
