/**
 * Reads the challenge's `train.csv`: a severity or a blank for each of the 25 targets of a study.
 */

import { quoted, readCsvTable } from '../dataset/index.ts';
import { SEVERITIES, SEVERITY_LABELS, type Severity, TARGETS } from '../domain/index.ts';

/** Severity by study and target name; `undefined` for a blank cell. Every study has all 25 targets. */
export type Labels = ReadonlyMap<string, ReadonlyMap<string, Severity | undefined>>;

const SEVERITY_OF_LABEL = new Map<string, Severity>(
  SEVERITIES.map((severity) => [SEVERITY_LABELS[severity], severity]),
);

/**
 * Reads `train.csv`: columns `study_id` and the 25 `{condition}_{level}`, in any order, with `Normal/Mild`, `Moderate`,
 * `Severe` or a blank.
 *
 * @throws {DatasetError} `LABELS_INVALID` with line numbers, for a missing column, an unknown word or a repeated study.
 */
export async function readLabels(path: string): Promise<Labels> {
  const names = TARGETS.map(({ name }) => name);
  const table = await readCsvTable(path, {
    required: ['study_id', ...names],
    code: 'LABELS_INVALID',
    hint: 'a label is Normal/Mild, Moderate, Severe or blank',
  });
  const labels = new Map<string, Map<string, Severity | undefined>>();
  for (const { line, cells } of table.rows) {
    const study = cells.study_id!;
    if (study === '') table.faults.add(line, 'no study_id');
    else if (labels.has(study)) table.faults.add(line, `study ${study} appears twice`);
    const severities = new Map<string, Severity | undefined>();
    for (const name of names) {
      const word = cells[name]!;
      const severity = SEVERITY_OF_LABEL.get(word);
      if (severity === undefined && word !== '') table.faults.add(line, `${name}: unknown severity ${quoted(word)}`);
      severities.set(name, severity);
    }
    labels.set(study, severities);
  }
  table.check();
  return labels;
}
