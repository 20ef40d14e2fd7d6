declare namespace algo {
  /** Gives the target with the fewest open selections for its weight. */
  class LeastWorkLoadBalancer {
    /**
     * @param targets their names, each with a weight of 1; or names with weights, which are cut to whole numbers. A weight below 1 means
     *   that the target is never chosen.
     * @param unhealthy targets with a true value in it are left out.
     */
    constructor(targets?: string[] | Record<string, number> | null, unhealthy?: Unhealthy | null);

    /** Adds a target, or changes the weight of one. */
    set(target: string, weight: number): void;

    /** The target with the fewest open selections for its weight, the first named of several. Undefined if there is none. */
    select(): string | undefined;

    /** A selection of a target is over. One that is not known is no error. */
    deselect(target?: string): void;
  }
}
