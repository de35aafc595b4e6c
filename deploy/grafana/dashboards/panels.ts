/**
 * The kinds of panel that the dashboards use. Every panel needs a `description` (what it shows and what to do), a `unit`,
 * and `levels`: from which value on it is bad, or why there is no such value.
 */

import { crc32 } from 'node:zlib';
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as gauge from '@grafana/grafana-foundation-sdk/gauge';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as text from '@grafana/grafana-foundation-sdk/text';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import * as units from '@grafana/grafana-foundation-sdk/units';

/** The variable `datasource`: the provisioned Prometheus or, in another Grafana, the one that the user chooses. */
const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` };
const DATASOURCE_UID = 'prometheus';

const NOT_FOR_CLINICAL_USE =
  'Not for clinical use: the models shipped with spineline are trained on synthetic phantoms and say nothing about patients.';

export const UNIT = {
  count: units.LocaleFormat,
  seconds: units.Seconds,
  /** Hours, minutes and seconds in words. */
  duration: units.DurationSeconds,
  share: units.PercentUnit,
  bytes: units.BytesIEC,
  bytesPerSecond: units.BytesPerSecondIEC,
  requestsPerSecond: units.RequestsPerSecond,
  studiesPerMinute: 'suffix: studies/min',
  jobsPerMinute: 'suffix: jobs/min',
  perMinute: 'suffix: /min',
  /** Day of the week and time, from ms since the epoch. */
  clock: 'time:ddd HH:mm',
  /** A number that stands for one of the panel's words. */
  word: units.Number,
};

export interface Query {
  readonly expr: string;
  readonly legend?: string;
}

/** A word that is shown instead of a value. */
export interface Word {
  readonly value: number;
  readonly text: string;
  readonly color: string;
}

/** A colour and the value at which it begins. */
export type Level = readonly [color: string, from: number | null];

/** High values are bad. */
export const badFrom = (warn: number, bad: number): Level[] => [
  ['green', null],
  ['orange', warn],
  ['red', bad],
];

/** High values are good. */
export const goodFrom = (fair: number, good: number): Level[] => [
  ['red', null],
  ['orange', fair],
  ['green', good],
];

export interface PanelSpec {
  /** Unique in the dashboard. */
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Columns, of 24; the panels of a line fill all of them. */
  readonly width: number;
  readonly height?: number;
  /** Where colours begin, or why no value is good or bad. */
  readonly levels: readonly Level[] | string;
  readonly decimals?: number;
  readonly max?: number;
  /** Text to show if there is no value. */
  readonly noValue?: string;
  readonly words?: readonly Word[];
  /** Colours of series by their legend. */
  readonly colors?: Readonly<Record<string, string>>;
  /** The page to open when a series is clicked. */
  readonly link?: { readonly title: string; readonly url: string };
}

/** The current value as a number or a word. If it has levels, its colour fills the panel, so that these are seen first. */
export function statPanel(spec: PanelSpec): stat.PanelBuilder {
  const judged = typeof spec.levels !== 'string' || spec.words !== undefined;
  return specified(new stat.PanelBuilder(), spec, { height: 4 })
    .reduceOptions(lastValue())
    .colorMode(judged ? common.BigValueColorMode.Background : common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None);
}

/** The current value of a share, 0 to 1. */
export function gaugePanel(spec: PanelSpec): gauge.PanelBuilder {
  return specified(new gauge.PanelBuilder(), spec, { height: 5 }).reduceOptions(lastValue()).min(0).max(1);
}

/** Current values as bars. */
export function barsPanel(spec: PanelSpec): bargauge.PanelBuilder {
  return specified(new bargauge.PanelBuilder(), spec, { height: 8 })
    .reduceOptions(lastValue())
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .min(0);
}

/** Curves over time. */
export function curvesPanel(spec: PanelSpec & { readonly stacked?: boolean }): timeseries.PanelBuilder {
  const panel = specified(new timeseries.PanelBuilder(), spec, { height: 8, range: true })
    .min(0)
    .fillOpacity(spec.stacked ? 60 : 10)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    );
  if (spec.stacked) panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  if (typeof spec.levels !== 'string') {
    panel.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
  }
  return panel;
}

/** One row per series. `columns`: label -> heading, in order; the value is the label `Value`. */
export function tablePanel(spec: PanelSpec & { readonly columns: Readonly<Record<string, string>> }) {
  const panel = specified(new table.PanelBuilder(), spec, { height: 8, format: prometheus.PromQueryFormat.Table })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries(Object.keys(spec.columns).map((label, index) => [label, index])),
        renameByName: spec.columns,
      },
    })
    .build();
  delete panel.options.footer; // the SDK still has it, Grafana's schema has not
  return { build: () => panel };
}

/** Alerts that fire or are pending, each with its summary. It is Grafana's own panel; the SDK has no builder for it. */
export function alertsPanel(spec: Pick<PanelSpec, 'title' | 'description' | 'width'>): dashboard.PanelBuilder {
  return new dashboard.PanelBuilder()
    .type('alertlist')
    .id(idOf(spec.title))
    .title(spec.title)
    .description(spec.description)
    .span(spec.width)
    .height(8)
    .options({
      viewMode: 'list',
      groupMode: 'default',
      groupBy: [],
      maxItems: 20,
      sortOrder: 3, // by importance
      dashboardAlerts: false,
      alertName: 'Spineline',
      alertInstanceLabelFilter: '',
      showInactiveAlerts: false,
      stateFilter: { firing: true, pending: true, error: true, recovering: false, noData: false, normal: false },
    });
}

/** The notice that results are not for clinical use. */
export function noticePanel(): text.PanelBuilder {
  return new text.PanelBuilder()
    .id(idOf('notice'))
    .title('')
    .description('The severities of these models may only be used to try spineline.')
    .span(24)
    .height(2)
    .mode(text.TextMode.Markdown)
    .content(`**${NOT_FOR_CLINICAL_USE}**`);
}

/** A dashboard without its panels: links to the others, choice of data source, refresh. */
export function newDashboard(spec: {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly refresh: string;
}): dashboard.DashboardBuilder {
  return new dashboard.DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(`${spec.description} ${NOT_FOR_CLINICAL_USE}`)
    .tags(['spineline'])
    .time({ from: spec.from, to: 'now' })
    .refresh(spec.refresh)
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .withVariable(
      variable(
        new dashboard.DatasourceVariableBuilder('datasource')
          .label('Data source')
          .type('prometheus')
          .current({ text: 'Prometheus', value: DATASOURCE_UID }),
      ),
    )
    .link(
      without(
        new dashboard.DashboardLinkBuilder('spineline')
          .type(dashboard.DashboardLinkType.Dashboards)
          .tags(['spineline'])
          .keepTime(true)
          .includeVars(true),
        'placement', // otherwise it is hidden in a menu
      ),
    );
}

/** A variable with the values of a Prometheus query, in the order of the answer; the first is the default. */
export function queriedVariable(name: string, label: string, query: string, regex: string) {
  return variable(
    new dashboard.QueryVariableBuilder(name)
      .label(label)
      .datasource(DATASOURCE)
      .query(query)
      .regex(regex)
      .sort(dashboard.VariableSort.Disabled)
      .refresh(dashboard.VariableRefresh.OnTimeRangeChanged),
  );
}

/** A variable with fixed values, of which any number can be selected; all by default. */
export function listedVariable(name: string, label: string, values: readonly string[]) {
  return variable(
    new dashboard.CustomVariableBuilder(name)
      .label(label)
      .values(values.join(','))
      .multi(true)
      .includeAll(true)
      .current({ text: ['All'], value: ['$__all'] }),
  );
}

/** Removes the interval fields, which the SDK adds to every variable. */
const variable = (builder: Builder<dashboard.VariableModel>) => without(builder, 'auto', 'auto_min', 'auto_count');

function without<T>(builder: Builder<T>, ...fields: readonly (keyof T)[]): Builder<T> {
  const built = builder.build();
  for (const field of fields) delete built[field];
  return { build: () => built };
}

type PanelBuilder =
  | bargauge.PanelBuilder
  | gauge.PanelBuilder
  | stat.PanelBuilder
  | table.PanelBuilder
  | timeseries.PanelBuilder;

interface Defaults {
  readonly height: number;
  /** Query values over the time range; otherwise only the current ones. */
  readonly range?: boolean;
  readonly format?: prometheus.PromQueryFormat;
}

/** Sets what all panels with values have in common. */
function specified<P extends PanelBuilder>(builder: P, spec: PanelSpec, { height, range, format }: Defaults): P {
  const { levels, words, colors = {}, link } = spec;
  const panel: PanelBuilder = builder
    .id(idOf(spec.title))
    .title(spec.title)
    .description(typeof levels === 'string' ? `${spec.description} No threshold: ${levels}.` : spec.description)
    .datasource(DATASOURCE)
    .unit(spec.unit)
    .span(spec.width)
    .height(spec.height ?? height)
    .colorScheme(
      new dashboard.FieldColorBuilder().mode(
        range ? dashboard.FieldColorModeId.PaletteClassicByName : dashboard.FieldColorModeId.Thresholds,
      ),
    )
    .thresholds(
      new dashboard.ThresholdsConfigBuilder()
        .mode(dashboard.ThresholdsMode.Absolute)
        .steps(
          (typeof levels === 'string' ? [['blue', null] as const] : levels).map(([color, value]) => ({ color, value })),
        ),
    )
    .targets(
      spec.queries.map(({ expr, legend = '' }, index) => {
        const query = new prometheus.DataqueryBuilder()
          .refId('ABCDEFGH'[index]!)
          .datasource(DATASOURCE)
          .expr(expr)
          .legendFormat(legend);
        if (format) query.format(format);
        return range ? query.range() : query.instant();
      }),
    );
  if (spec.decimals !== undefined) panel.decimals(spec.decimals);
  if (spec.max !== undefined) panel.max(spec.max);
  if (spec.noValue !== undefined) panel.noValue(spec.noValue);
  for (const [name, fixedColor] of Object.entries(colors)) {
    panel.overrideByName(name, [{ id: 'color', value: { mode: dashboard.FieldColorModeId.Fixed, fixedColor } }]);
  }
  if (words) {
    const options = Object.fromEntries(words.map(({ value, text, color }, index) => [value, { text, color, index }]));
    panel.mappings([{ type: dashboard.MappingType.ValueToText, options }]);
  }
  if (link) panel.dataLinks([new dashboard.DashboardLinkBuilder(link.title).url(link.url)]);
  return builder;
}

const lastValue = () => new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false);

/** Made from the title, so that links to a panel stay valid when other panels are added or removed. */
const idOf = (title: string): number => 1 + (crc32(title) % 1_000_000);
