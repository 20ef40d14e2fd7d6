declare namespace algo {
  /** Lends resources, such as the names of connections, and makes one when there is none to be reused. */
  class ResourcePool<Resource = any> {
    /** @param allocator makes a resource for a pool and a tenant. */
    constructor(allocator: (pool: any, tenant: any) => Resource);

    /**
     * A resource of a pool: the one that was freed first, or a new one. Nothing limits how many there are.
     * @param pool any value; undefined is a pool as well.
     * @param tenant gets the same resource of this pool each time, until it is freed.
     */
    allocate(pool?: any, tenant?: any): Resource;

    /** Gives a resource back to its pool. Others are left alone. */
    free(resource: Resource): void;

    /** Gives back all resources of a tenant. */
    freeTenant(tenant: any): void;
  }
}
