(runtime) => {
  const { host, provide, generation, isAlive } = runtime;
  const [MAX_METRICS, MAX_CHILDREN] = host("stats.limits");

  // name -> metrics, the latest last. One of a script that could not be loaded, or that has ended, counts no longer.
  const registered = new Map();

  const register = (family) => {
    const same = (registered.get(family.name) ?? []).filter((other) => isAlive(other.generation));
    if (same.length === 0 && registered.size >= MAX_METRICS && !registered.has(family.name)) throw new Error(`more than ${MAX_METRICS} metrics`);
    // the same script replaces its own; that of another generation may come back if this one turns out to be of no use
    registered.set(family.name, [...same.filter((other) => other.generation !== family.generation), family]);
  };

  const expectNumber = (value) => {
    if (typeof value !== "number") throw new TypeError("argument #1 expects a number");
    return value;
  };

  const expectStrings = (values, number) => {
    if (!Array.isArray(values)) throw new TypeError(`argument #${number} expects an array of strings`);
    return values.map(String);
  };

  // What all children of a metric have in common, and where a child is in it.
  class Seed {
    constructor(family, values) {
      this.family = family;
      this.values = values;
    }
  }

  class Metric {
    #family;
    #values; // of the labels so far
    #children = new Map(); // value of the next label -> child

    constructor(kind, name, labels, details, labelsAt) {
      if (name instanceof Seed) {
        this.#family = name.family;
        this.#values = name.values;
        return;
      }
      if (typeof name !== "string") throw new TypeError("argument #1 expects a string");
      this.#family = { name, kind, labels: expectStrings(labels ?? [], labelsAt), details, generation: generation(), root: this, children: 0, full: false };
      this.#values = [];
      register(this.#family);
    }

    get name() {
      return this.#family.name;
    }

    get details() {
      return this.#family.details;
    }

    withLabels(...values) {
      if (this.#values.length >= this.#family.labels.length) return null;
      let metric = this;
      for (const value of values.slice(0, this.#family.labels.length - this.#values.length)) metric = metric.#child(String(value));
      return metric;
    }

    clear() {
      this.#family.children -= this.#count();
      this.#children.clear();
      this.reset();
    }

    #child(value) {
      const known = this.#children.get(value);
      if (known !== undefined) return known;
      const family = this.#family;
      const child = new this.constructor(new Seed(family, [...this.#values, value]));
      if (family.children < MAX_CHILDREN) {
        family.children++;
        this.#children.set(value, child);
      } else if (!family.full) {
        family.full = true;
        host("pipy.log", "warning", `stats: ${family.name} has more than ${MAX_CHILDREN} combinations of labels: further ones are not shown`);
      }
      return child;
    }

    #count() {
      let count = this.#children.size;
      for (const child of this.#children.values()) count += child.#count();
      return count;
    }

    #collect(samples) {
      const labels = this.#values.map((value, index) => [this.#family.labels[index].toWellFormed(), value.toWellFormed()]);
      samples.push(...this.samples(labels));
      for (const child of this.#children.values()) child.#collect(samples);
      return samples;
    }

    static {
      provide("stats.collect", () => {
        const collected = [];
        for (const families of registered.values()) {
          const family = families.findLast((each) => isAlive(each.generation));
          if (family !== undefined) collected.push([family.name.toWellFormed(), family.kind, family.root.#collect([])]);
        }
        return collected;
      });
    }
  }
  // subclasses have these two for the metric itself, not for scripts: what is to be shown of one level of labels, and no value at all
  const hidden = (prototype, members) => {
    for (const [name, value] of Object.entries(members)) Object.defineProperty(prototype, name, { value });
  };

  const text = (number) => {
    if (Number.isFinite(number)) return String(number);
    return Number.isNaN(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
  };

  // Counter and Gauge differ in what they offer only.
  class Value extends Metric {
    #value; // undefined: nobody has set it, and it is not shown

    increase(by) {
      this.#value = (this.#value ?? 0) + expectNumber(by ?? 1);
    }

    zero() {
      this.#value = 0;
    }

    static {
      this.set = (metric, value) => void (metric.#value = expectNumber(value));
      hidden(this.prototype, {
        samples(labels) {
          return this.#value === undefined ? [] : [["", labels, text(this.#value)]];
        },
        reset() {
          this.#value = undefined;
        },
      });
    }
  }
  const { set } = Value;
  delete Value.set;

  class Counter extends Value {
    constructor(name, labelNames) {
      super("counter", name, labelNames, null, 2);
    }
  }

  class Gauge extends Value {
    constructor(name, labelNames) {
      super("gauge", name, labelNames, null, 2);
    }

    set(value) {
      set(this, value);
    }

    decrease(by) {
      this.increase(-expectNumber(by ?? 1));
    }
  }

  const expectBounds = (bounds) => {
    const ascending = (bound, index) => typeof bound === "number" && !(bound <= bounds[index - 1]) && !Number.isNaN(bound);
    if (!Array.isArray(bounds) || !bounds.every(ascending)) throw new TypeError("argument #2 expects an array of ascending numbers");
    return bounds.filter((bound) => bound < Infinity);
  };

  class Histogram extends Metric {
    #counts; // by bucket, what is above the last one at the end; undefined: nothing was observed
    #sum = 0;

    constructor(name, buckets, labelNames) {
      super("histogram", name, labelNames, name instanceof Seed ? null : expectBounds(buckets), 3);
    }

    observe(value) {
      if (Number.isNaN(expectNumber(value))) return;
      if (this.#counts === undefined) this.zero();
      let index = 0;
      while (index < this.details.length && value > this.details[index]) index++;
      this.#counts[index]++;
      this.#sum += value;
    }

    zero() {
      this.#counts = new Array(this.details.length + 1).fill(0);
      this.#sum = 0;
    }

    static {
      hidden(this.prototype, {
        samples(labels) {
          if (this.#counts === undefined) return [];
          const samples = [];
          let total = 0;
          this.#counts.forEach((count, index) => {
            total += count;
            const le = ["le", text(this.details[index] ?? Infinity)];
            if (index < this.details.length) samples.push(["", [...labels, le], text(total)]);
            samples.push(["_bucket", [...labels, le], text(total)]);
          });
          samples.push(["_sum", labels, text(this.#sum)], ["_count", labels, text(total)]);
          return samples;
        },
        reset() {
          this.#counts = undefined;
          this.#sum = 0;
        },
      });
    }
  }

  return { stats: { Counter, Gauge, Histogram } };
}
