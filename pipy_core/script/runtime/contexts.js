// Contexts: one value per script variable. A variable is a slot, the same in all contexts of a program; modules name the slots.
(rt) => {
  "use strict";

  const contexts = new Map(); // Python's number -> context

  class Context {
    constructor(values, origin) {
      this.values = values;
      this.origin = origin; // what all copies of it share: the connection it began with
    }
  }

  rt.current = null;

  const inboundOf = (origin) => {
    if (origin.sent !== null && origin.inbound === null) {
      const [id, remoteAddress, remotePort, localAddress, localPort] = origin.sent;
      origin.inbound = Object.freeze({ id, remoteAddress, remotePort, localAddress, localPort });
    }
    return origin.inbound;
  };

  rt.inbound = () => inboundOf(needContext("__inbound").origin);

  // What Python queued since the last call, in order.
  const COMMANDS = {
    new: (number, program, inbound) =>
      contexts.set(number, new Context(rt.programs.get(program).initial.slice(), { sent: inbound, inbound: null })),
    clone: (number, parent) => {
      const { values, origin } = contexts.get(parent);
      contexts.set(number, new Context(values.slice(), origin));
    },
    drop: (number) => contexts.delete(number),
    gone: (number) => {
      const origin = contexts.get(number).origin;
      origin.sent = origin.inbound = null;
    },
    head: (number) => rt.dropHead(number),
    program: (number) => rt.programs.delete(number),
  };

  rt.obey = (commands) => {
    for (const [name, ...args] of commands) COMMANDS[name](...args);
  };

  rt.enter = (number) => {
    if (number === 0) rt.current = null;
    else if ((rt.current = contexts.get(number) ?? null) === null) throw new Error(`no context ${number}`);
  };

  // fork: one copy of the current context per element, numbered from `first`, with the element's properties assigned.
  rt.fork = (first, program, path, elements) => {
    if (elements !== null && typeof elements === "object" && !Array.isArray(elements)) elements = [elements];
    if (!Array.isArray(elements)) return -1;
    const module = rt.programs.get(program).modules.get(path);
    elements.forEach((element, index) => {
      const copy = new Context(rt.current.values.slice(), rt.current.origin);
      contexts.set(first + index, copy);
      if (element === null || typeof element !== "object") return;
      for (const [name, value] of Object.entries(element)) copy.values[module.slotOf(name)] = value;
    });
    return elements.length;
  };

  const needContext = (name) => {
    if (rt.current === null) throw new ReferenceError(`unresolved identifier: ${name} has no value while the script is being loaded`);
    return rt.current;
  };
  rt.contextCount = () => contexts.size;

  // The names a module's functions see besides the globals: a `with` object of accessors.
  class Scope {
    constructor(path) {
      this.names = Object.create(null);
      this.slots = new Map();
      this.constant("__filename", () => (needContext("__filename"), path));
      this.constant("__inbound", rt.inbound);
    }
    constant(name, get) {
      const set = () => {
        throw new TypeError(`Assignment to constant variable ${name}`);
      };
      Object.defineProperty(this.names, name, { get, set, configurable: false });
    }
    variable(name, slot) {
      this.slots.set(name, slot);
      Object.defineProperty(this.names, name, {
        get: () => needContext(name).values[slot],
        set: (value) => void (needContext(name).values[slot] = value),
        configurable: true,
      });
    }
    has(name) {
      return this.slots.has(name) || name === "__filename" || name === "__inbound";
    }
  }

  rt.Scope = Scope;
};
