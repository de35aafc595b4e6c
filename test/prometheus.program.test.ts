/**
 * deploy/prometheus: promtool checks the scrape configuration, the rules and the rules' unit tests. Alerts, unit tests and
 * docs/runbook.md must agree with one another.
 */

import { spawnSync } from 'node:child_process';
import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { DashboardJson } from './support/dashboard-expressions.ts';
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
  'promtool accepts %s (skipped without promtool, which is in the Debian package prometheus)',
  (_, command) => {
    const { status, stdout, stderr } = spawnSync('promtool', command, { cwd: folder, encoding: 'utf8' });
    expect(status, `${stdout}${stderr}`).toBe(0);
  },
);

it('gives every alert a severity, a summary, a description and a link to the runbook', () => {
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

it('tests of every alert that it fires, and that it does not', () => {
  const outcomes = tests.flatMap(({ alert_rule_test: cases = [] }) =>
    [...Map.groupBy(cases, ({ alertname }) => alertname)].map(
      ([name, those]) => `${name} ${those.some(({ exp_alerts }) => exp_alerts.length > 0) ? 'fires' : 'stays quiet'}`,
    ),
  );
  const wanted = alerts.flatMap(({ alert }) => [`${alert} fires`, `${alert} stays quiet`]);
  expect([...new Set(outcomes)].sort()).toEqual(wanted.sort());
});

it('tests every recording rule with values', () => {
  const tested = tests.flatMap(({ promql_expr_test: cases = [] }) =>
    cases.filter(({ exp_samples }) => exp_samples.length > 0).flatMap(({ expr }) => metricNames(expr)),
  );
  expect([...new Set(tested)].sort()).toEqual([...recorded].sort());
});

it('uses only recorded names, series of docs/metrics.md, and `up`', async () => {
  const table = await readFile(`${root}docs/metrics.md`, 'utf8'); // made from the registries
  const metrics = new Set([...table.matchAll(/^\| `(spineline_\w+)` \|/gm)].map(([, name]) => name!));
  const used = new Set(rules.flatMap((rule) => [rule.expr, ...queriesOf(rule)]).flatMap(metricNames));
  expect(used.size).toBeGreaterThan(30);
  const unknown = [...used].filter((name) => name !== 'up' && !recorded.includes(name) && !metricOf(name, metrics));
  expect(unknown).toEqual([]);
});

it('docs/runbook.md names only commands and options that exist', async () => {
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

it('docs/runbook.md names only panels that exist', async () => {
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
