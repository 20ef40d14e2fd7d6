// What the classes of `algo` accept as arguments. Evaluates to an object of checks.
(() => {
  const absent = (value) => value === undefined || value === null;

  const expects = (number, words) => {
    throw new TypeError(`argument #${number} expects ${words}`);
  };

  const check = (number, value, type, words) => {
    if (typeof value !== type) expects(number, words);
    return value;
  };

  // A weight that is no number, or below 0, counts as 0: never chosen.
  const toWeight = (value) => Math.max(0, Number(value)) || 0;

  return {
    absent,
    expects,
    string: (number, value) => check(number, value, "string", "a string"),
    number: (number, value) => check(number, value, "number", "a number"),
    optionalFunction: (number, value) => absent(value) ? undefined : check(number, value, "function", "a function"),
    toWeight,

    // Targets of a load balancer as [name, weight] pairs: an array gives each the weight 1.
    targets(value) {
      if (absent(value)) return [];
      if (typeof value !== "object") expects(1, "an array or an object");
      if (Array.isArray(value)) return value.map((name) => [String(name), 1]);
      return Object.entries(value).map(([name, weight]) => [name, toWeight(weight)]);
    },

    // The cache of unhealthy targets, as a predicate. Any object that has `get(key)` will do.
    unhealthy(value) {
      if (absent(value)) return () => false;
      if (typeof value.get !== "function") expects(2, "an instance of Cache");
      return (name) => Boolean(value.get(name));
    },
  };
})()
