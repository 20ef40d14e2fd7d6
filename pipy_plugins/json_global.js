(({ parse, stringify }) =>
  (runtime) => {
    const { Data } = runtime;

    const parseText = (text, reviver) => {
      let value;
      try {
        value = parse(text);
      } catch {
        return undefined; // the original has no exceptions: scripts ask whether they got something
      }
      return typeof reviver === "function" ? parse(text, reviver) : value; // what a reviver throws is the script's own
    };

    // `this` is the owner as everywhere in ECMAScript; the original hands it over as third argument, null for the outermost value.
    const withOwner = (replacer) => {
      let outermost = true;
      return function (key, value) {
        const owner = outermost ? null : this;
        outermost = false;
        return replacer.call(this, key, value, owner);
      };
    };

    // Writes null where a value contains itself, as the original does. A list of names, the other kind of replacer, is for objects only.
    const withoutCycles = (replacer) => {
      const owners = [];
      const names = Array.isArray(replacer) ? new Set(replacer.map(String)) : undefined;
      return function (key, value) {
        if (names !== undefined && owners.length > 0 && !Array.isArray(this) && !names.has(key)) return undefined;
        const replaced = typeof replacer === "function" ? replacer.call(this, key, value) : value;
        if (typeof replaced !== "object" || replaced === null) return replaced;
        while (owners.length > 0 && owners.at(-1) !== this) owners.pop();
        if (owners.includes(replaced)) return null;
        owners.push(replaced);
        return replaced;
      };
    };

    const toText = (value, replacer, space) => {
      const replace = () => (typeof replacer === "function" ? withOwner(replacer) : replacer);
      try {
        return stringify(value, replace(), space);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        return stringify(value, withoutCycles(replace()), space); // throws again if it was not for a cycle
      }
    };

    return {
      JSON: {
        parse(text, reviver) {
          if (typeof text !== "string") throw new TypeError("argument #1 expects a string");
          return parseText(text, reviver);
        },

        stringify: toText,

        decode(data) {
          if (data === undefined || data === null) return undefined;
          if (!(data instanceof Data)) throw new TypeError("argument #1 expects an instance of Data");
          const text = data.toString(); // a string, if it is UTF-8
          return typeof text === "string" ? parseText(text) : undefined;
        },

        encode(value, replacer, space) {
          const text = toText(value, replacer, space);
          return text === undefined ? undefined : new Data(text);
        },
      },
    };
  })(JSON)
