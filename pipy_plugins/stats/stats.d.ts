/**
 * Metrics, shown at `/metrics` of the admin port (`--admin-port`) as Prometheus wants them.
 *
 * A metric is known by its name: a later one of the same name, after a reload for instance, takes its place. A value is shown once
 * it has been set, for each level of labels by itself. There may be 10,000 metrics, with 10,000 combinations of labels each.
 */
declare namespace stats {
  /** What all metrics have in common. */
  interface Metric {
    /** The name it is shown under; characters that are not allowed there become underscores. */
    readonly name: string;

    /** Sets it to zero; it is shown from then on. */
    zero(): void;

    /** Forgets the value and everything with labels: nothing is shown. */
    clear(): void;
  }

  /** A number that grows. */
  class Counter implements Metric {
    /**
     * @param name what it is shown under
     * @param labelNames the names of its labels, in the order of the values given to `withLabels`
     */
    constructor(name: string, labelNames?: string[]);
    readonly name: string;
    zero(): void;
    clear(): void;

    /**
     * Adds to it.
     * @param n how much; 1 unless given
     */
    increase(n?: number): void;

    /**
     * The counter for these values of the labels; fewer values than labels are a level of its own.
     * @returns null where all labels have values already
     */
    withLabels(...values: any[]): Counter | null;
  }

  /** A number that goes up and down. */
  class Gauge implements Metric {
    /**
     * @param name what it is shown under
     * @param labelNames the names of its labels, in the order of the values given to `withLabels`
     */
    constructor(name: string, labelNames?: string[]);
    readonly name: string;
    zero(): void;
    clear(): void;

    /** Sets it. */
    set(n: number): void;

    /**
     * Adds to it.
     * @param n how much; 1 unless given
     */
    increase(n?: number): void;

    /**
     * Takes from it.
     * @param n how much; 1 unless given
     */
    decrease(n?: number): void;

    /**
     * The gauge for these values of the labels; fewer values than labels are a level of its own.
     * @returns null where all labels have values already
     */
    withLabels(...values: any[]): Gauge | null;
  }

  /**
   * How many observations were not above each of some bounds. Shown as the original does (`name{le="1"}`), and as Prometheus
   * does: `name_bucket`, `name_sum` and `name_count`.
   */
  class Histogram implements Metric {
    /**
     * @param name what it is shown under
     * @param buckets the upper bounds, ascending; what is above the last one is counted too
     * @param labelNames the names of its labels, in the order of the values given to `withLabels`
     */
    constructor(name: string, buckets: number[], labelNames?: string[]);
    readonly name: string;
    zero(): void;
    clear(): void;

    /** Counts an observation. */
    observe(n: number): void;

    /**
     * The histogram for these values of the labels; fewer values than labels are a level of its own.
     * @returns null where all labels have values already
     */
    withLabels(...values: any[]): Histogram | null;
  }
}
