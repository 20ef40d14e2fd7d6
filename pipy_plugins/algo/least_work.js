({ string, number, targets, toWeight, unhealthy }) => () => {
  class LeastWorkLoadBalancer {
    #targets = new Map(); // name -> { name, weight, active }
    #isOut;

    constructor(given, bad) {
      for (const [name, weight] of targets(given)) this.set(name, weight);
      this.#isOut = unhealthy(bad);
    }

    set(name, weight) {
      const target = this.#targets.get(string(1, name));
      const newWeight = Math.trunc(toWeight(number(2, weight)));
      if (target === undefined) this.#targets.set(name, { name, weight: newWeight, active: 0 });
      else target.weight = newWeight;
    }

    select() {
      let chosen;
      let least = Infinity;
      for (const target of this.#targets.values()) {
        if (target.weight === 0 || this.#isOut(target.name)) continue;
        const load = target.active / target.weight;
        if (load < least) {
          least = load;
          chosen = target;
        }
      }
      if (chosen === undefined) return undefined;
      chosen.active += 1;
      return chosen.name;
    }

    // A name that is not known, undefined included, is no error: it may come from a select() that found nothing.
    deselect(name) {
      const target = this.#targets.get(name);
      if (target !== undefined && target.active > 0) target.active -= 1;
    }
  }

  return { algo: { LeastWorkLoadBalancer } };
}
