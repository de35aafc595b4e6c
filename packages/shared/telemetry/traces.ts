/**
 * OpenTelemetry traces of studies, through BullMQ's own hook; off unless an endpoint is named. What is off costs nothing:
 * the SDK is not even loaded.
 *
 * The trace of a study goes from the page that it was enqueued in, over the page's unfolding, to its job at each stage:
 * each job carries the context of the one that added it. A page is one trace, so that a trace has a few hundred studies at
 * most, however large the run is.
 */

import type { Telemetry } from 'bullmq';

type Attributes = Readonly<Record<string, string | number>>;

export interface Traces {
  /** For BullMQ's queues and workers; `undefined` where traces are off. */
  readonly telemetry: Telemetry | undefined;
  /** A new trace. @returns what a job carries to be part of it; `undefined` where traces are off. */
  begin(name: string, attributes: Attributes): string | undefined;
  /** Runs `work` as a span of the trace that a job carries. */
  span<T>(name: string, carried: string | undefined, attributes: Attributes, work: () => Promise<T>): Promise<T>;
  /** Says more of the span that is under way, such as that of the job in hand. */
  annotate(attributes: Attributes): void;
  /** Sends what was not sent yet, for some seconds at most. */
  close(): Promise<void>;
}

export const NO_TRACES: Traces = {
  telemetry: undefined,
  begin: () => undefined,
  span: (_name, _carried, _attributes, work) => work(),
  annotate: () => {},
  close: async () => {},
};

const SEND_MS = 5000;

/**
 * @param component what the process is, such as `worker-stage1`; its `service.name` is `spineline-worker-stage1`.
 * @param url OTLP/HTTP endpoint, such as `http://collector:4318/v1/traces`; `undefined` is off.
 */
export async function startTraces(component: string, url: string | undefined): Promise<Traces> {
  if (!url) return NO_TRACES;
  const [
    api,
    { NodeTracerProvider, BatchSpanProcessor },
    { OTLPTraceExporter },
    { resourceFromAttributes },
    bullmqOtel,
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('bullmq-otel'),
  ]);
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: SEND_MS });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `spineline-${component}`, 'service.namespace': 'spineline' }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  const telemetry = new bullmqOtel.BullMQOtel({ tracerName: 'spineline' });
  const tracer = api.trace.getTracer('spineline');
  return {
    telemetry,
    begin(name, attributes) {
      const span = tracer.startSpan(name, { kind: api.SpanKind.PRODUCER, root: true, attributes });
      span.end();
      return telemetry.contextManager.getMetadata(api.trace.setSpan(api.ROOT_CONTEXT, span));
    },
    span(name, carried, attributes, work) {
      const parent = carried ? telemetry.contextManager.fromMetadata(api.ROOT_CONTEXT, carried) : api.context.active();
      return tracer.startActiveSpan(name, { attributes }, parent, async (span) => {
        try {
          return await work();
        } catch (error) {
          span.recordException(error instanceof Error ? error : String(error));
          span.setStatus({ code: api.SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      });
    },
    annotate: (attributes) => void api.trace.getActiveSpan()?.setAttributes(attributes),
    close: () => provider.shutdown(),
  };
}
