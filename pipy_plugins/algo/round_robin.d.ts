declare namespace algo {
  /** What a load balancer asks for targets that are not to be chosen, such as an `algo.Cache`: those with a true value. */
  interface Unhealthy {
    get(target: string): any;
  }

  /**
   * Gives each target its weight in every round, spread over the round.
   * @example
   * ```js
   * new algo.RoundRobinLoadBalancer({ 'localhost:8081': 3, 'localhost:8082': 1 })
   * ```
   */
  class RoundRobinLoadBalancer {
    /**
     * @param targets their names, each with a weight of 1; or names with weights, which may be fractions. A weight that is no number
     *   above 0 means that the target is never chosen.
     * @param unhealthy targets with a true value in it are left out.
     */
    constructor(targets?: string[] | Record<string, number> | null, unhealthy?: Unhealthy | null);

    /** Adds a target, or changes the weight of one. */
    set(target: string, weight: number): void;

    /** The target with the fewest selections for its weight, the first named of several. Undefined if there is none. */
    select(): string | undefined;

    /** Does nothing: for scripts that change between load balancers. */
    deselect(target?: string): void;
  }
}
