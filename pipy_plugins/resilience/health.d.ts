declare namespace algo {
  /**
   * Knows which targets can be used. It is told by the filters `observeHealth` and `checkHealth`, and given to a load balancer in the
   * place of the cache of unhealthy targets. Each worker has its own.
   * @example
   * ```js
   * ((
   *   targets = ['10.0.0.1:80', '10.0.0.2:80'],
   *   health = new algo.Health(targets, { failures: 3 }),
   *   balancer = new algo.RoundRobinLoadBalancer(targets, health),
   * ) => balancer.select())()  // '10.0.0.1:80'
   * ```
   */
  class Health implements Unhealthy {
    /**
     * @param targets as for load balancers; weights do not matter. All are healthy until something else is known.
     * @throws Error for an option that is none.
     */
    constructor(targets: string[] | Record<string, number>, options?: HealthOptions);

    /** All targets. */
    readonly targets: string[];

    /** The targets that are not to be used now. None if too few would be left: see `panic`. */
    readonly out: string[];

    /** Whether a target is not to be used now: what load balancers ask. */
    get(target: string): boolean;

    /** Adds a target. 1,000 is the most. */
    add(target: string): void;

    /** Forgets a target. */
    remove(target: string): void;
  }

  /** Settings of `algo.Health`. */
  interface HealthOptions {
    /** Tells it apart in metrics and in the log. Empty unless given. */
    name?: string;
    /** How many bad answers in a row (status 500 and above, or none at all) make `observeHealth` leave a target out: 5. */
    failures?: number;
    /** For how long, in seconds or as `'30s'`: 30 the first time, 60 the second time, and so on, until it has been good for as long. */
    ejectFor?: number | string;
    /** The longest time that a target is left out: 300 seconds. */
    maxEjectFor?: number | string;
    /** Percent of the targets that may be left out because of their answers, rounded up: 50. One always may. */
    maxEjected?: number;
    /** How many checks in a row a target must pass to be back, be it down or left out because of its answers: 2. */
    rise?: number;
    /** How many checks in a row a target must fail to be down: 3. */
    fall?: number;
    /** When fewer than this percentage of the targets are left, all are used: 25. */
    panic?: number;
  }
}
