({ expects, number }) => () => {
  class Percentile {
    #bounds;
    #counts;
    #total = 0;

    constructor(buckets) {
      if (!Array.isArray(buckets)) expects(1, "an array");
      this.#bounds = buckets.map(Math.trunc);
      this.#counts = this.#bounds.map(() => 0);
      const ascending = this.#bounds.every((bound, i) => bound > (i === 0 ? 0 : this.#bounds[i - 1]));
      if (!ascending) throw new Error("buckets are not in ascending order");
    }

    reset() {
      this.#counts.fill(0);
      this.#total = 0;
    }

    observe(sample) {
      number(1, sample);
      const bucket = this.#bounds.findIndex((bound) => sample <= bound);
      if (bucket < 0) return;
      this.#counts[bucket] += 1;
      this.#total += 1;
    }

    calculate(percentage) {
      if (number(1, percentage) <= 0) return 0;
      let counted = 0;
      const bucket = this.#counts.findIndex((count) => (counted += count) * 100 >= percentage * this.#total);
      return bucket < 0 ? Infinity : this.#bounds[bucket];
    }
  }

  return { algo: { Percentile } };
}
