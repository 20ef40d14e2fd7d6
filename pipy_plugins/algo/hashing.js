({ absent, expects, string, unhealthy }, hashValue) => () => {
  class HashingLoadBalancer {
    #targets = [];
    #isOut;

    constructor(targets, bad) {
      if (!absent(targets)) {
        if (!Array.isArray(targets)) expects(1, "an array");
        this.#targets = targets.map(String);
      }
      this.#isOut = unhealthy(bad);
    }

    add(name) {
      this.#targets.push(string(1, name));
    }

    select(key) {
      const count = this.#targets.length;
      if (count === 0) return undefined;
      const name = this.#targets[hashValue(key) % count];
      return this.#isOut(name) ? undefined : name;
    }

    deselect() {}
  }

  return { algo: { HashingLoadBalancer } };
}
