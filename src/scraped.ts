/** Metrics whose values are kept elsewhere, and read when somebody scrapes. */
import { Counter, Gauge, type Registry } from "prom-client";

/** A value, and the labels that it stands under. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

interface Named {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** All there is now; what it does not give any more is not told any more. */
  readonly read: () => Iterable<Sample> | Promise<Iterable<Sample>>;
}

/** What only grows, for as long as it is told. */
export function scrapedCounter(registry: Registry, named: Named): void {
  new Counter(filledAnew<Counter>(registry, named, (metric, labels, value) => metric.inc(labels, value)));
}

/** What goes up and down. */
export function scrapedGauge(registry: Registry, named: Named): void {
  new Gauge(filledAnew<Gauge>(registry, named, (metric, labels, value) => metric.set(labels, value)));
}

/** The configuration of a metric that holds, after each scrape, what was read for it and nothing else. */
function filledAnew<Metric extends { reset(): void }>(
  registry: Registry,
  { read, labelNames = [], ...metric }: Named,
  put: (metric: Metric, labels: Record<string, string>, value: number) => void,
) {
  return {
    ...metric,
    labelNames: [...labelNames],
    registers: [registry],
    async collect(this: Metric): Promise<void> {
      const samples = await read();
      this.reset();
      for (const [labels, value] of samples) put(this, { ...labels }, value);
    },
  };
}

/** One value without labels. */
export function single(read: () => number): () => Iterable<Sample> {
  return () => [[{}, read()]];
}

/** The same for all metrics of a scrape, which begin to be read in one turn of the event loop: what it costs is paid once. */
export function oncePerScrape<T>(read: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => {
    if (known === null) {
      known = { value: read() };
      setImmediate(() => {
        known = null;
      });
    }
    return known.value;
  };
}
