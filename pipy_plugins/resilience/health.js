({ Native, host }) => {
  // Targets as load balancers take them: names, or names with weights.
  const names = (targets) => {
    if (targets === undefined || targets === null) return [];
    if (typeof targets !== "object") throw new TypeError("argument #1 expects an array or an object");
    return Array.isArray(targets) ? targets.map(String) : Object.keys(targets);
  };

  class Health extends Native {
    #out; // asked once while a script function runs: nothing changes meanwhile
    #asked = 0; // when, in case that function was stopped and what it leaves behind with it

    constructor(targets, options) {
      super(host("health.new", names(targets), options ?? {}));
    }

    get targets() {
      return host("health.targets", this);
    }

    get out() {
      return [...this.#known()];
    }

    get(target) {
      return this.#known().has(target);
    }

    add(target) {
      this.#out = undefined;
      host("health.add", this, target);
    }

    remove(target) {
      this.#out = undefined;
      host("health.remove", this, target);
    }

    #known() {
      const now = Date.now();
      if (this.#out === undefined || Math.abs(now - this.#asked) > 1000) {
        this.#asked = now;
        this.#out = new Set(host("health.out", this));
        Promise.resolve().then(() => {
          this.#out = undefined;
        });
      }
      return this.#out;
    }
  }

  return { algo: { Health } };
}
