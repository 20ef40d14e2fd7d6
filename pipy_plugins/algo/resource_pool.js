({ absent, expects }) => () => {
  class ResourcePool {
    #allocator;
    #idle = new Map(); // pool -> freed resources, oldest first
    #owners = new Map(); // resource in use -> { pool, tenant }
    #tenants = new Map(); // tenant -> Map of pool → resource

    constructor(allocator) {
      if (typeof allocator !== "function") expects(1, "a function");
      this.#allocator = allocator;
    }

    allocate(pool, tenant) {
      if (absent(tenant)) return this.#take(pool, undefined);
      let owned = this.#tenants.get(tenant);
      if (owned?.has(pool)) return owned.get(pool);
      const resource = this.#take(pool, tenant);
      owned = this.#tenants.get(tenant); // the allocator is a script's: it may have allocated for this tenant, too
      if (owned === undefined) this.#tenants.set(tenant, owned = new Map());
      owned.set(pool, resource);
      return resource;
    }

    free(resource) {
      const owner = this.#owners.get(resource);
      if (owner === undefined) return;
      this.#owners.delete(resource);
      this.#release(owner);
      const idle = this.#idle.get(owner.pool);
      if (idle === undefined) this.#idle.set(owner.pool, [resource]);
      else idle.push(resource);
    }

    freeTenant(tenant) {
      const owned = this.#tenants.get(tenant);
      if (owned === undefined) return;
      for (const resource of [...owned.values()]) this.free(resource);
    }

    #take(pool, tenant) {
      const idle = this.#idle.get(pool);
      let resource;
      if (idle === undefined) {
        const allocator = this.#allocator;
        resource = allocator(pool, tenant);
      } else {
        resource = idle.shift();
        if (idle.length === 0) this.#idle.delete(pool); // pool names may be made up of anything: keep none that is empty
      }
      this.#owners.set(resource, { pool, tenant });
      return resource;
    }

    #release({ pool, tenant }) {
      const owned = this.#tenants.get(tenant);
      if (owned === undefined) return;
      owned.delete(pool);
      if (owned.size === 0) this.#tenants.delete(tenant);
    }
  }

  return { algo: { ResourcePool } };
}
