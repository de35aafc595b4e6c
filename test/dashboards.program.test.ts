/**
 * The dashboards of deploy/grafana: the checked-in files are what the code generates, they fit Grafana's own types, every
 * panel has a description, and promtool can parse every expression. The tests have no Grafana.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dashboards } from '../deploy/grafana/generate.ts';
import { panelExpressions } from './support/dashboard-expressions.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const grafana = join(root, 'deploy/grafana');

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { type: string; uid: string };
  targets?: { datasource: { type: string; uid: string }; expr: string }[];
  fieldConfig: {
    defaults: { unit?: string; links?: { url: string }[] };
    overrides: unknown[];
  };
}
interface Dashboard {
  uid: string;
  description: string;
  panels: Panel[];
  templating: { list: { name: string; type: string; current?: { value: string } }[] };
}
const boards = Object.entries(dashboards).map(([file, text]) => ({ file, board: JSON.parse(text) as Dashboard }));
const all = boards.flatMap(({ file, board }) => board.panels.map((panel) => ({ file, panel })));
const run = 'n';
const questions = boards.flatMap(({ file, board }) =>
  panelExpressions(board, { run, stage: 'stage1' }).map((question) => ({ file, ...question })),
);

const scratch = mkdtempSync(join(tmpdir(), 'spineline-dashboards-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it.each(Object.keys(dashboards))('%s is what the code generates (else: npm run dashboards)', (file) => {
  expect(readFileSync(join(grafana, 'generated', file), 'utf8')).toBe(dashboards[file]);
});

describe("Grafana's schema", () => {
  /** Each dashboard as it is, and broken in one place. */
  const cases: Record<string, { board: object; refused: boolean }> = {};
  for (const { file, board } of boards) cases[file] = { board, refused: false };
  const broken = (
    change: (panel: Panel & Record<string, unknown>, board: Dashboard & Record<string, unknown>) => void,
  ) => {
    const board = structuredClone(boards[0]!.board);
    change(board.panels.find(({ type }) => type === 'timeseries') as never, board as never);
    return { board, refused: true };
  };
  cases['a field that no panel has'] = broken((panel) => Object.assign(panel, { heading: 'Studies' }));
  cases['an option that curves do not have'] = broken((panel) =>
    Object.assign(panel, { options: { textMode: 'value' } }),
  );
  cases['no schema version'] = broken((_, board) => Reflect.deleteProperty(board, 'schemaVersion'));

  /**
   * @grafana/schema has types and no validator, so the compiler is it. JSON has the values of enums where the types want
   * their members; and the types leave open what a panel's own options are, which are in modules of their own.
   */
  const types = `
    import type { Dashboard, FieldConfigSource, GraphFieldConfig, Panel, RowPanel, TableFieldOptions } from '@grafana/schema';
    ${['BarGauge', 'Gauge', 'Stat', 'Table', 'Text', 'TimeSeries']
      .map((name) => {
        const path = `@grafana/schema/dist/esm/raw/composable/${name.toLowerCase()}/panelcfg/x/${name}PanelCfg_types.gen`;
        return `import type { Options as ${name} } from '${path}';`;
      })
      .join('\n')}
    type Json<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
    type Drawn<Type extends string, Options, Custom = Record<string, never>> = Omit<Panel, 'type' | 'options' | 'fieldConfig'> & {
      type: Type;
      options?: Partial<Options>;
      fieldConfig?: Omit<FieldConfigSource, 'defaults'> & {
        defaults: Omit<FieldConfigSource['defaults'], 'custom'> & { custom?: Partial<Custom> };
      };
    };
    type AnyPanel =
      | RowPanel
      | Drawn<'bargauge', BarGauge>
      | Drawn<'gauge', Gauge>
      | Drawn<'stat', Stat>
      | Drawn<'table', Table, TableFieldOptions>
      | Drawn<'text', Text>
      | Drawn<'timeseries', TimeSeries, GraphFieldConfig>
      // The list of alerts has no published schema of its options.
      | Drawn<'alertlist', Record<string, unknown>>;
    export type DashboardJson = Json<Omit<Dashboard, 'panels'> & { panels: AnyPanel[] }>;`;

  it('accepts the dashboards and refuses broken ones', () => {
    symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
    writeFileSync(join(scratch, 'schema.ts'), types);
    const files = Object.entries(cases).map(([name, { board }], index) => {
      const text = `import type { DashboardJson } from './schema.ts';\nexport default ${JSON.stringify(board, null, 1)} satisfies DashboardJson;\n`;
      writeFileSync(join(scratch, `case${index}.ts`), text);
      return { name, file: `case${index}.ts` };
    });
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      types: [],
      skipLibCheck: true,
      allowImportingTsExtensions: true,
    };
    writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--pretty', 'false'], {
      cwd: scratch,
      encoding: 'utf8',
    });

    const complaints = (file: string) => stdout.split('\n').filter((line) => line.startsWith(`${file}(`));
    expect(complaints('schema.ts')).toEqual([]);
    for (const { name, file } of files) {
      if (cases[name]!.refused) expect(complaints(file), name).not.toEqual([]);
      else expect(complaints(file), name).toEqual([]);
    }
  });
});

describe.each(boards)('$file', ({ board }) => {
  it('says that the models are not for clinical use', () => {
    expect(board.description).toMatch(/not for clinical use/i);
    expect(
      board.panels.some(({ type, ...panel }) => type === 'text' && /not for clinical use/i.test(JSON.stringify(panel))),
    ).toBe(true);
  });

  it('has panels with ids of their own that do not overlap in the 24 columns', () => {
    const ids = board.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of board.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x} ${y}`), `${title} lies on another panel`).toBeUndefined();
          taken.set(`${x} ${y}`, title);
        }
      }
    }
  });

  it('gives every panel a description, and every panel with values a title and a unit', () => {
    for (const { type, title, description, fieldConfig } of board.panels) {
      if (type === 'row') continue;
      expect(description, title).toBeTruthy();
      if (type === 'text' || type === 'alertlist') continue;
      expect(title).not.toBe('');
      expect(fieldConfig.defaults.unit, title).toBeTruthy();
    }
  });

  it('queries the data source that provisioning sets up', () => {
    const { datasources } = parse(readFileSync(join(grafana, 'provisioning/datasources/prometheus.yml'), 'utf8'));
    const chosen = board.templating.list.find(({ name }) => name === 'datasource');
    expect(datasources.map(({ uid }: { uid: string }) => uid)).toEqual([chosen!.current!.value]);
    for (const { targets = [], datasource } of board.panels) {
      for (const source of [...targets.map((target) => target.datasource), ...(datasource ? [datasource] : [])]) {
        expect(source).toEqual({ type: 'prometheus', uid: `\${datasource}` });
      }
    }
  });
});

it('links to dashboards that exist', () => {
  const uids = boards.map(({ board }) => `/d/${board.uid}`);
  const urls = all.flatMap(({ panel }) => panel.fieldConfig?.defaults.links?.map(({ url }) => url.split('?')[0]) ?? []);
  expect(urls.length).toBeGreaterThan(0);
  for (const url of urls) expect(uids).toContain(url);
});

it('queries recording rules that exist', () => {
  const { groups } = parse(readFileSync(join(root, 'deploy/prometheus/rules/recording.yml'), 'utf8'));
  const recorded = groups.flatMap(({ rules }: { rules: { record: string }[] }) => rules.map(({ record }) => record));
  const used = new Set(questions.flatMap(({ expr }) => expr.match(/\b[a-z]+:\w+:\w+/g) ?? []));
  expect(used.size).toBeGreaterThan(10);
  for (const name of used) expect(recorded).toContain(name);
});

const promtool = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;
describe.skipIf(!promtool)('promtool', () => {
  const ask = (command: readonly string[], file: string, content: object) => {
    writeFileSync(join(scratch, file), JSON.stringify(content));
    const { status, stdout, stderr } = spawnSync('promtool', [...command, file], { cwd: scratch, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };

  it('can parse every expression', () => {
    const rules = questions.map(({ expr }, index) => ({ record: `question:${index}`, expr }));
    const { status, output } = ask(['check', 'rules'], 'questions.yml', { groups: [{ name: 'questions', rules }] });
    expect(status, output).toBe(0);
  });

  it('computes the status of a run', () => {
    const { expr } = questions.find(({ panel }) => panel === 'Status')!;
    const panel = boards[0]!.board.panels.find(({ title }) => title === 'Status')!;
    const [mapping] = (
      panel.fieldConfig.defaults as unknown as { mappings: { options: Record<string, { text: string }> }[] }
    ).mappings;
    const numberOf = (word: string) =>
      Number(Object.entries(mapping!.options).find(([, { text }]) => text === word)![0]);

    /** An hour into a run that was created at 0, or at `created`; times in seconds. */
    const night = {
      left: 10,
      failed: 0,
      cancelled: 0,
      paused: 0,
      created: 0,
      deadline: undefined,
      timeLeft: undefined,
    };
    const cases: [word: string, night: { [K in keyof typeof night]?: number }][] = [
      ['done', { left: 0 }],
      ['done', { left: 0, deadline: 1 }],
      ['done, some failed', { left: 0, failed: 1, timeLeft: 0 }],
      ['cancelled', { cancelled: 1 }],
      ['paused', { paused: 1, deadline: 1 }],
      ['late', { timeLeft: 1800, deadline: 3600 + 1799 }],
      ['late', { deadline: 3599 }],
      ['on time', { timeLeft: 1800, deadline: 3600 + 1801 }],
      ['under way', { timeLeft: 1800, failed: 3 }],
      ['starting', { created: 3000 }],
      ['stalled', {}],
      ['stalled', { deadline: 7200 }],
    ];
    const tests = cases.map(([word, given]) => {
      const { left, failed, cancelled, paused, created, deadline, timeLeft } = { ...night, ...given };
      const series: [name: string, value: number | undefined][] = [
        [`spineline_run_studies_left{run="${run}"}`, left],
        [`spineline_run_studies_failed{run="${run}"}`, failed],
        [`spineline_run_cancelled{run="${run}"}`, cancelled],
        [`spineline_run_created_timestamp_seconds{run="${run}"}`, created],
        [`spineline_run_deadline_timestamp_seconds{run="${run}"}`, deadline],
        [`run:spineline_time_left:seconds{run="${run}"}`, timeLeft],
        ['spineline_queue_paused{queue="stage1"}', 0],
        ['spineline_queue_paused{queue="stage2"}', paused],
      ];
      return {
        interval: '1m',
        input_series: series.flatMap(([name, value]) =>
          value === undefined ? [] : [{ series: name, values: `${value}x70` }],
        ),
        promql_expr_test: [
          { expr, eval_time: '1h', exp_samples: [{ labels: `{run="${run}"}`, value: numberOf(word) }] },
        ],
      };
    });
    const { status, output } = ask(['test', 'rules'], 'status.yml', { rule_files: [], tests });
    expect(status, output).toBe(0);
  });

  it('computes when a run was finished', () => {
    const { expr } = questions.find(({ panel }) => panel === 'Finish')!;
    const test = {
      interval: '1m',
      input_series: [
        { series: `spineline_run_studies_left{run="${run}"}`, values: '1x30 0x40' },
        { series: `run:spineline_time_left:seconds{run="${run}"}`, values: '60x30 0x40' },
      ],
      promql_expr_test: [
        // Under way: in a minute.
        { expr, eval_time: '20m', exp_samples: [{ labels: `{run="${run}"}`, value: 21 * 60 * 1000 }] },
        { expr, eval_time: '50m', exp_samples: [{ labels: `{run="${run}"}`, value: 30 * 60 * 1000 }] },
      ],
    };
    const { status, output } = ask(['test', 'rules'], 'finish.yml', { rule_files: [], tests: [test] });
    expect(status, output).toBe(0);
  });
});
