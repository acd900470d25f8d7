import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type { Gauge }

/** What a metric is, apart from its type. Each is in docs/metrics.md. */
interface Described<Label extends string> {
  name: string
  help: string
  labels?: readonly Label[]
}

/** The metrics of one process, and their page. Each is defined beside the code that measures it. */
export class Metrics {
  readonly registry = new Registry()
  readonly #collectors: (() => unknown)[] = []

  counter<Label extends string>({ labels = [], ...metric }: Described<Label>): Counter<Label> {
    return new Counter({ ...metric, labelNames: labels, registers: [this.registry] })
  }

  gauge<Label extends string>({ labels = [], ...metric }: Described<Label>): Gauge<Label> {
    return new Gauge({ ...metric, labelNames: labels, registers: [this.registry] })
  }

  histogram<Label extends string>(
    { labels = [], ...metric }: Described<Label>,
    buckets: readonly number[],
  ): Histogram<Label> {
    const options = { ...metric, labelNames: labels, registers: [this.registry] }
    return new Histogram({ ...options, buckets: [...buckets] })
  }

  /** Runs before each answer: sets gauges. Must not reject, and limits its own time. */
  onScrape(collect: () => unknown): void {
    this.#collectors.push(collect)
  }

  /** The page, in the text format of Prometheus. */
  readonly exposition = async (): Promise<{ contentType: string; text: string }> => {
    await Promise.all(this.#collectors.map((collect) => collect()))
    return { contentType: this.registry.contentType, text: await this.registry.metrics() }
  }
}
