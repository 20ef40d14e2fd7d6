declare namespace algo {
  /** An exponentially weighted moving average: the newest sample counts for its weight, all before it for the rest. */
  class Ewma {
    /**
     * @param weight of the newest sample: above 0, at most 1; 0.1 unless given.
     * @throws RangeError for any other number.
     */
    constructor(weight?: number);

    /** The average of the samples so far; undefined if there is none. */
    readonly value: number | undefined;

    /** Takes in a sample, and gives the new average. */
    observe(sample: number): number;

    /** Forgets all samples. */
    reset(): void;
  }
}
