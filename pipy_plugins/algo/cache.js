({ absent, number, optionalFunction }) => () => {
  // (limit, create, destroy) or (create, destroy): a number in front, or three arguments, say which.
  const readArguments = (given) => {
    const hasLimit = typeof given[0] === "number" || (absent(given[0]) && given.length > 2);
    const [limit, create, destroy] = hasLimit ? given : [undefined, ...given];
    const shift = hasLimit ? 1 : 0;
    return {
      limit: absent(limit) ? 0 : number(1, limit),
      create: optionalFunction(1 + shift, create),
      destroy: optionalFunction(2 + shift, destroy),
    };
  };

  // Entries stand in a ring, from the least to the most recently used. A Map alone could keep that order, but finding its
  // oldest entry takes longer the more of them were deleted.
  const link = (ring, entry) => {
    entry.older = ring.older;
    entry.newer = ring;
    ring.older.newer = entry;
    ring.older = entry;
  };

  const unlink = (entry) => {
    entry.older.newer = entry.newer;
    entry.newer.older = entry.older;
  };

  const emptyRing = () => {
    const ring = {};
    ring.older = ring.newer = ring; // the most and the least recently used one
    return ring;
  };

  class Cache {
    #entries = new Map(); // key -> entry
    #ring = emptyRing();
    #limit;
    #create;
    #destroy;

    constructor(...given) {
      const { limit, create, destroy } = readArguments(given);
      this.#limit = limit > 0 ? limit : Infinity;
      this.#create = create;
      this.#destroy = destroy;
    }

    get(key) {
      const entry = this.#entries.get(key);
      if (entry === undefined) return this.#create === undefined ? undefined : this.#fill(key);
      if (entry.newer !== this.#ring) {
        unlink(entry);
        link(this.#ring, entry);
      }
      return entry.value;
    }

    set(key, value) {
      this.#put(key, value);
      while (this.#entries.size > this.#limit) this.#drop(this.#ring.newer);
    }

    remove(key) {
      const entry = this.#entries.get(key);
      if (entry === undefined) return false;
      this.#drop(entry);
      return true;
    }

    clear() {
      const entries = [];
      for (let entry = this.#ring.newer; entry !== this.#ring; entry = entry.newer) entries.push(entry);
      this.#entries.clear(); // first, so that the function may use this cache again
      this.#ring = emptyRing();
      const destroy = this.#destroy;
      if (destroy !== undefined) for (const { key, value } of entries) destroy(key, value);
    }

    #fill(key) {
      const create = this.#create;
      const value = create(key);
      this.#put(key, value);
      return value;
    }

    #put(key, value) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) {
        entry.value = value; // it keeps its place
        return;
      }
      const added = { key, value, older: undefined, newer: undefined };
      this.#entries.set(key, added);
      link(this.#ring, added);
    }

    #drop(entry) {
      this.#entries.delete(entry.key);
      unlink(entry);
      const destroy = this.#destroy;
      if (destroy !== undefined) destroy(entry.key, entry.value);
    }
  }

  return { algo: { Cache } };
}
