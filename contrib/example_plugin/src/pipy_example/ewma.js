// Evaluates to a function from what Pipy lends to plugins (not needed here) to the globals that are added.
// What is in `algo` joins the classes that are already there.
(runtime) => {
  class Ewma {
    #weight;
    #average; // undefined until there is a sample

    constructor(weight = 0.1) {
      if (typeof weight !== "number") throw new TypeError("argument #1 expects a number");
      if (!(weight > 0 && weight <= 1)) throw new RangeError("the weight of a sample is above 0 and at most 1");
      this.#weight = weight;
    }

    get value() {
      return this.#average;
    }

    observe(sample) {
      if (typeof sample !== "number") throw new TypeError("argument #1 expects a number");
      this.#average = this.#average === undefined ? sample : this.#average + (sample - this.#average) * this.#weight;
      return this.#average;
    }

    reset() {
      this.#average = undefined;
    }
  }

  return { algo: { Ewma } };
}
