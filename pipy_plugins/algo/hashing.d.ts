declare namespace algo {
  /**
   * Gives equal keys the same target: in all workers, and after a restart, as long as the targets are the same. Keys that are objects
   * count by identity.
   */
  class HashingLoadBalancer {
    /**
     * @param targets their names.
     * @param unhealthy targets with a true value in it are not given.
     */
    constructor(targets?: string[] | null, unhealthy?: Unhealthy | null);

    /** Adds a target. Most keys move to another one by that. */
    add(target: string): void;

    /** The target of a key. Undefined if it is unhealthy: no other one takes its place. */
    select(key?: any): string | undefined;

    /** Does nothing: for scripts that change between load balancers. */
    deselect(target?: string): void;
  }
}
