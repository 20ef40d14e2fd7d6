({ string, number, targets, toWeight, unhealthy }) => () => {
  class RoundRobinLoadBalancer {
    #targets = new Map(); // name -> { name, weight, hits }
    #isOut;

    constructor(given, bad) {
      for (const [name, weight] of targets(given)) this.set(name, weight);
      this.#isOut = unhealthy(bad);
    }

    set(name, weight) {
      const target = this.#targets.get(string(1, name));
      const newWeight = toWeight(number(2, weight));
      if (target === undefined) {
        this.#targets.set(name, { name, weight: newWeight, hits: 0 });
      } else {
        target.weight = newWeight;
        target.hits = Math.min(target.hits, newWeight); // what it had of a larger share does not keep it out
      }
    }

    select() {
      let chosen;
      let least = Infinity;
      let second = Infinity;
      for (const target of this.#targets.values()) {
        if (target.weight === 0 || this.#isOut(target.name)) continue;
        const usage = target.hits / target.weight;
        if (usage < least) {
          second = least;
          least = usage;
          chosen = target;
        } else if (usage < second) {
          second = usage;
        }
      }
      if (chosen === undefined) return undefined;
      chosen.hits += 1;
      this.#endRounds(Math.floor(Math.min(second, chosen.hits / chosen.weight)));
      return chosen.name;
    }

    deselect() {}

    // Once every target had its share, a new round begins. With whole weights this sets all hits to 0;
    // what is left over with fractions (0.9 and 0.1) stays, or the small ones would get too much.
    #endRounds(rounds) {
      if (rounds < 1) return;
      for (const target of this.#targets.values()) target.hits = Math.max(0, target.hits - rounds * target.weight);
    }
  }

  return { algo: { RoundRobinLoadBalancer } };
}
