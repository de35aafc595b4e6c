/**
 * deploy/prometheus: the scrape configuration, the rules and their own unit tests, as promtool sees them; and that alerts,
 * tests and docs/runbook.md speak of the same things.
 */

import { spawnSync } from 'node:child_process';
import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { DashboardJson } from '../deploy/grafana/expressions.ts';
import { metricNames, metricOf } from './support/promql.ts';

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface RuleTest {
  readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
  readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = `${root}deploy/prometheus`;
const files = async (pattern: string) => (await Array.fromAsync(glob(pattern, { cwd: folder }))).sort();
const load = async <T>(file: string) => parse(await readFile(`${folder}/${file}`, 'utf8')) as T;

const ruleFiles = await files('rules/*.yml');
const testFiles = await files('tests/*.yml');
const loaded = await Promise.all(ruleFiles.map((file) => load<{ groups: { name: string; rules: Rule[] }[] }>(file)));
const groups = loaded.flatMap((file) => file.groups);
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.filter((rule) => rule.alert !== undefined);
const recorded = rules.flatMap((rule) => rule.record ?? []);
const tests = (await Promise.all(testFiles.map((file) => load<{ tests: RuleTest[] }>(file)))).flatMap(
  (file) => file.tests,
);
const runbook = await readFile(`${root}docs/runbook.md`, 'utf8');

/** Queries in the text of an alert. */
const queriesOf = ({ annotations = {} }: Rule) =>
  Object.values(annotations).flatMap((text) =>
    [...text.matchAll(/query (?:"([^"]+)"|\(printf "([^"]+)")/g)].map(([, plain, format]) => (plain ?? format)!),
  );

const promtool = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;

const checks: [what: string, command: string[]][] = [
  ['prometheus.yml', ['check', 'config', 'prometheus.yml']],
  ['the rules', ['check', 'rules', '--lint=all', '--lint-fatal', ...ruleFiles]],
  ...testFiles.map((file): [string, string[]] => [file, ['test', 'rules', file]]),
];
it.skipIf(!promtool).each(checks)(
  'promtool accepts %s (skipped where there is none: it is in the Debian package prometheus)',
  (_, command) => {
    const { status, stdout, stderr } = spawnSync('promtool', command, { cwd: folder, encoding: 'utf8' });
    expect(status, `${stdout}${stderr}`).toBe(0);
  },
);

it('says of every alert how urgent it is, what it is about and where to read on', () => {
  expect(alerts.length).toBeGreaterThan(12);
  for (const { alert, labels, annotations } of alerts) {
    expect(labels, alert).toEqual({ severity: expect.stringMatching(/^(critical|warning)$/) });
    expect(annotations, alert).toEqual({
      summary: expect.any(String),
      description: expect.any(String),
      runbook_url: `docs/runbook.md#${alert!.toLowerCase()}`,
    });
  }
});

it('has a section in the runbook for every alert, and no other', () => {
  const sections = [...runbook.matchAll(/^## (Spineline\w+)$/gm)].map(([, name]) => name);
  expect(sections.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});

it('has of every alert a test in which it fires, and one in which it does not', () => {
  const outcomes = tests.flatMap(({ alert_rule_test: cases = [] }) =>
    [...Map.groupBy(cases, ({ alertname }) => alertname)].map(
      ([name, those]) => `${name} ${those.some(({ exp_alerts }) => exp_alerts.length > 0) ? 'fires' : 'stays quiet'}`,
    ),
  );
  const wanted = alerts.flatMap(({ alert }) => [`${alert} fires`, `${alert} stays quiet`]);
  expect([...new Set(outcomes)].sort()).toEqual(wanted.sort());
});

it('has of every recording rule a test with values', () => {
  const tested = tests.flatMap(({ promql_expr_test: cases = [] }) =>
    cases.filter(({ exp_samples }) => exp_samples.length > 0).flatMap(({ expr }) => metricNames(expr)),
  );
  expect([...new Set(tested)].sort()).toEqual([...recorded].sort());
});

it('uses recorded names that are there, series that docs/metrics.md has, and `up`', async () => {
  const table = await readFile(`${root}docs/metrics.md`, 'utf8'); // made from the registries
  const metrics = new Set([...table.matchAll(/^\| `(spineline_\w+)` \|/gm)].map(([, name]) => name!));
  const used = new Set(rules.flatMap((rule) => [rule.expr, ...queriesOf(rule)]).flatMap(metricNames));
  expect(used.size).toBeGreaterThan(30);
  const unknown = [...used].filter((name) => name !== 'up' && !recorded.includes(name) && !metricOf(name, metrics));
  expect(unknown).toEqual([]);
});

it('lets no alert work out what is recorded', () => {
  const squeeze = (text: string) => text.replaceAll(/\s/g, '');
  for (const { record, expr } of rules.filter((rule) => rule.record)) {
    const repeats = alerts.filter((alert) => squeeze(alert.expr).includes(squeeze(expr)));
    expect(repeats, record).toEqual([]);
  }
});

it('names in the runbook only commands of spineline that there are, with options that they have', async () => {
  const program = new Command('spineline');
  for await (const file of glob('apps/producer/src/commands/*.ts', { cwd: root })) {
    const module = (await import(`${root}${file}`)) as Record<string, unknown>;
    for (const [name, add] of Object.entries(module))
      if (/^add[A-Z]/.test(name)) (add as (to: Command) => void)(program);
  }
  const find = (words: readonly string[]) =>
    words.reduce<Command | undefined>((at, word) => at?.commands.find((one) => one.name() === word), program);

  const named = [...runbook.matchAll(/`(?:spineline )((?:models )?[a-z]+)([^`]*)`/g)];
  expect(named.length).toBeGreaterThan(20);
  const wrong = named.filter(([, words, rest]) => {
    const options = find(words!.split(' '))?.options.map(({ long }) => long);
    return !options || [...rest!.matchAll(/--[a-z-]+/g)].some(([option]) => !options.includes(option));
  });
  expect(wrong.map(([text]) => text)).toEqual([]);
});

it('names in the runbook only panels that the dashboards have', async () => {
  const panels = new Set<string>();
  for await (const file of glob('deploy/grafana/generated/*.json', { cwd: root })) {
    const board = JSON.parse(await readFile(`${root}${file}`, 'utf8')) as DashboardJson & { title: string };
    const add = ({ title, panels: inner = [] }: NonNullable<DashboardJson['panels']>[number]) => {
      panels.add(`${board.title.replace('spineline: ', '')}: ${title}`);
      for (const panel of inner) add(panel);
    };
    for (const panel of board.panels ?? []) add(panel);
  }
  const named = [...runbook.matchAll(/(?<!\*)\*([^*\n]+: [^*\n]+)\*(?!\*)/g)].map(([, panel]) => panel!);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((panel) => !panels.has(panel))).toEqual([]);
});

it.each([
  ['up', ['up']],
  [
    'sum by (stage) (rate(a_total{b="c(d)", e=~"f|g"}[5m])) / on (stage) group_left () x:y_z:rate5m > bool 0.5',
    ['a_total', 'x:y_z:rate5m'],
  ],
  ['sum(rate(a[$__rate_interval])) without (instance) and ignoring(le) b offset 5m', ['a', 'b']],
  ['histogram_quantile(0.95, sum by (le, stage) (rate(a_bucket{stage=~"$stage"}[1h:5m])))', ['a_bucket']],
  ['{__name__="a", job="b"} or topk($n, c) # not d\nunless 1e3 * E - Inf', ['c', 'E', 'a']],
  ['label_replace(a, "stage", "$1", "queue", "(b).*") @ end()', ['a']],
])('finds the metrics in %s', (expression, names) => {
  expect(metricNames(expression)).toEqual(names);
});

it('knows which histogram a series belongs to', () => {
  const metrics = new Set(['a_seconds', 'b_count']);
  expect(metricOf('a_seconds_bucket', metrics)).toBe('a_seconds');
  expect(metricOf('b_count', metrics)).toBe('b_count');
  expect(metricOf('c_sum', metrics)).toBeUndefined();
});
