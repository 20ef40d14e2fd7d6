// One loaded generation of a script: its modules, variables and functions, and the configuration that `pipy()` builds.
// It describes pipelines; Python makes them.
(rt) => {
  "use strict";

  rt.programs = new Map();
  let loading = null; // the module that is being evaluated
  const MOST_STRANGERS = 100; // names told of, for a module

  // Strict code inside `with`: variables are looked up in the scope, and an undeclared one is an error instead of a new global.
  const evaluate = new Function(
    "with (arguments[0]) { return (function () { 'use strict'; return eval(arguments[0]) })(arguments[1]) }\n//# sourceURL=pipy-evaluate",
  );
  const respelled = (source) => rt.host("pipy.respelled", source);
  rt.locate = (path) => evaluate({}, respelled(rt.host("pipy.source", path)));

  const parses = (source) => {
    try {
      return new Function(`"use strict"; ${source}\n`) !== null;
    } catch {
      return false;
    }
  };

  // "plugins/a.js", "./plugins/a.js", "/plugins/../plugins/a.js" -> "/plugins/a.js"; never above the root
  const normalize = (path) => {
    const parts = [];
    for (const part of path.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "" && part !== ".") parts.push(part);
    }
    return "/" + parts.join("/");
  };
  rt.normalize = normalize;

  // TypeScript's name for what a variable holds, by its initial value: all that is known of it.
  const typeOf = (value) => (["string", "number", "boolean"].includes(typeof value) ? typeof value : "any");

  class Program {
    constructor(number, main) {
      this.number = number;
      this.modules = new Map();
      this.initial = []; // initial values of all variables; a context starts as a copy
      this.functions = [];
      this.constants = [];
      this.main = main;
    }

    load(path) {
      path = normalize(path);
      const known = this.modules.get(path);
      if (known !== undefined) return known;
      const source = rt.host("pipy.source", path);
      if (source === null) throw new rt.LoadError(`Cannot open script at ${path}`);
      const module = new Module(this, path);
      this.modules.set(path, module);
      const outer = loading;
      loading = module;
      rt.host("pipy.loading", path); // so that a syntax error, which ends the call, can be placed
      const named = (text) => rt.named(text, path, this.number);
      let result;
      try {
        result = evaluate(module.scope.names, named(source));
      } catch (error) {
        if (!(error instanceof SyntaxError) || parses(source)) throw error; // of what has run nothing may run again
        result = evaluate(module.scope.names, named(respelled(source))); // what cannot be parsed may be right for the original
      }
      loading = outer;
      if (outer !== null) rt.host("pipy.loading", outer.path);
      if (!(result instanceof Configuration))
        throw new rt.LoadError(`Script was not evaluated to Configuration: ${rt.show(result)}`);
      module.configuration = result;
      rt.host("pipy.evaluated", path);
      return module;
    }

    // Bind exports and imports once every module is there (spec: model.md, 5.2).
    link() {
      const exported = new Map();
      for (const module of this.modules.values()) {
        rt.host("pipy.loading", module.path);
        for (const [namespace, name] of module.exports) {
          const key = `${namespace}\n${name}`;
          if (exported.has(key)) throw new rt.LoadError(`duplicated variable exporting name ${name} from ${module.path}`);
          exported.set(key, module.scope.slots.get(name));
        }
      }
      for (const module of this.modules.values()) {
        rt.host("pipy.loading", module.path);
        const own = new Set([...module.scope.slots.keys(), "__filename", "__inbound"]);
        for (const [name, namespace] of module.imports) {
          const slot = exported.get(`${namespace}\n${name}`);
          if (slot === undefined) throw new rt.LoadError(`cannot import variable ${name} in ${module.path}`);
          if (own.has(name)) rt.host("pipy.log", "warning", `${module.path} has a variable ${name} of its own: that of ${namespace} is not seen there`);
          else module.scope.variable(name, slot);
        }
      }
    }

    describe() {
      return [...this.modules.values()].map(({ path, configuration, scope }) => ({
        path,
        layouts: configuration.layouts,
        variables: Object.fromEntries([...scope.slots].map(([name, slot]) => [name, typeOf(this.initial[slot])])),
      }));
    }

    keep(list, thing) {
      const at = list.indexOf(thing);
      return at < 0 ? list.push(thing) - 1 : at;
    }
  }

  class Module {
    constructor(program, path) {
      this.program = program;
      this.path = path;
      this.scope = new rt.Scope(path);
      this.exports = [];
      this.imports = [];
      this.strangers = new Set();
    }
    declare(variables) {
      for (const [name, value] of Object.entries(variables)) {
        if (name === "") throw new TypeError("variable name cannot be empty");
        if (this.scope.has(name)) throw new rt.LoadError(`duplicated variable name ${name}`);
        this.scope.variable(name, this.program.initial.push(value) - 1);
      }
    }
    // Give variables the values that a fork has for them. The original takes names that are none, too: they are told of, once.
    assign(values, given) {
      for (const [name, value] of Object.entries(given)) {
        const slot = this.scope.slots.get(name);
        if (slot !== undefined) values[slot] = value;
        else if (!this.strangers.has(name) && this.strangers.size < MOST_STRANGERS) {
          this.strangers.add(name);
          rt.host("pipy.log", "warning", `fork: ${this.path} has no variable ${name}`);
        }
      }
    }
  }

  // A constant of the script -> what Python gets: functions and objects by number.
  const describe = (value) => {
    const { program } = loading;
    if (typeof value === "function") return { F: program.keep(program.functions, value) };
    if (value === null || typeof value !== "object" || value instanceof rt.Event || value instanceof rt.Message) return rt.parse(rt.json(value));
    const prototype = Object.getPrototypeOf(value);
    if (Array.isArray(value)) return { L: [program.keep(program.constants, value), value.map(describe)] };
    if (prototype === Object.prototype || prototype === null) {
      const entries = Object.entries(value).map(([name, property]) => [name, describe(property)]);
      return { O: [program.keep(program.constants, value), Object.fromEntries(entries)] };
    }
    return rt.parse(rt.json(value));
  };

  const wrongArgument = (number, expected, value) => {
    const given = typeof value === "string" || typeof value === "number" ? `the ${typeof value} ${rt.show(value)}` : rt.show(value);
    return new TypeError(`argument #${number} expects ${expected}, given ${given}`);
  };
  const expectObject = (value, number) => {
    if (value === null || typeof value !== "object") throw wrongArgument(number, "an object", value);
    return value;
  };
  const expectString = (value, number) => {
    if (typeof value !== "string") throw wrongArgument(number, "a string", value);
    return value;
  };

  class Configuration {
    #module;
    constructor(module, variables) {
      this.#module = module;
      this.layouts = [];
      Object.defineProperty(this, "layouts", { enumerable: false });
      module.declare(variables);
    }

    export(namespace, variables) {
      if (expectString(namespace, 1) === "") throw new TypeError("namespace cannot be empty");
      if (variables === null) throw new TypeError("variable list cannot be null");
      this.#module.declare(expectObject(variables, 2));
      for (const name of Object.keys(variables)) this.#module.exports.push([namespace, name]);
      return this;
    }

    import(variables) {
      for (const [name, namespace] of Object.entries(expectObject(variables, 1))) {
        if (typeof namespace !== "string") throw new TypeError(`namespace expected for import: ${name}`);
        if (namespace === "") throw new TypeError("namespace cannot be empty");
        this.#module.imports.push([name, namespace]);
      }
      return this;
    }

    listen(...args) {
      return this.#open("listen", args);
    }

    task(...args) {
      return this.#open("task", args);
    }

    pipeline(name) {
      if (expectString(name, 1) === "") throw new TypeError("pipeline name cannot be empty");
      return this.#open("pipeline", [name]);
    }

    #open(kind, args) {
      this.layouts.push({ kind, args: args.map(describe), at: rt.where(), filters: [] });
      return this;
    }

    static {
      // A filter method; `loadsModules`: the first argument names modules, which are loaded now.
      rt.addFilter = (name, loadsModules) => {
        const method = function (...args) {
          const layout = this.layouts.at(-1);
          if (layout === undefined) throw new rt.LoadError("no pipeline found");
          if (loadsModules) args[0] = this.#use(args[0]);
          layout.filters.push({ name, args: args.map(describe), at: rt.where() });
          return this;
        };
        Object.defineProperty(method, "name", { value: name });
        Object.defineProperty(Configuration.prototype, name, { value: method });
      };
    }

    #use(modules) {
      const load = (path) => {
        try {
          return this.#module.program.load(String(path)).path;
        } catch (error) {
          rt.host("pipy.unloadable", String(path));
          throw error;
        }
      };
      return Array.isArray(modules) ? modules.map(load) : load(expectString(modules, 1));
    }
  }

  const pipy = (prototype) => {
    if (loading === null) throw new Error("pipy() can only be called while a script is being loaded");
    if (typeof prototype === "function") {
      prototype = prototype();
      if (prototype === null || typeof prototype !== "object") throw new TypeError("function did not return an object");
    }
    return new Configuration(loading, expectObject(prototype ?? {}, 1));
  };
  pipy.load = (path) => rt.host("pipy.load", normalize(expectString(path, 1)));
  pipy.restart = () => void rt.host("pipy.restart");
  pipy.exit = (code) => {
    code ??= 0;
    if (!Number.isFinite(code)) throw wrongArgument(1, "a number", code);
    rt.host("pipy.exit", Math.trunc(code));
  };
  rt.pipy = Object.freeze(pipy);

  // Load a program; what Python gets is the description of its layouts.
  rt.load = (number, main) => {
    const program = new Program(number, main);
    rt.programs.set(number, program);
    rt.generation = number;
    loading = null;
    program.load(main);
    program.link();
    return program.describe();
  };

  rt.functionOf = (program, number) => rt.programs.get(program).functions[number];
  rt.constantOf = (program, number) => rt.programs.get(program).constants[number];
};
