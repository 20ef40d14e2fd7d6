declare namespace algo {
  /**
   * Counts samples in buckets, and tells below which bound a percentage of them is.
   * @example
   * ```js
   * new algo.Percentile([1, 2, 5, 10, 20, 50, 100])
   * ```
   */
  class Percentile {
    /**
     * @param buckets their upper bounds, cut to whole numbers.
     * @throws Error `buckets are not in ascending order`, or not above 0.
     */
    constructor(buckets: number[]);

    /** Counts a sample in the first bucket whose bound is not below it. One above all bounds is not counted. */
    observe(sample: number): void;

    /** Forgets all samples. */
    reset(): void;

    /**
     * The bound of the bucket with which a percentage of the samples is reached.
     * @param percentage 0 to 100.
     * @returns 0 for 0 and below; Infinity beyond 100.
     */
    calculate(percentage: number): number;
  }
}
