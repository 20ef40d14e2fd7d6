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
      const [id, remoteAddress, remotePort, localAddress, localPort, destinationAddress, destinationPort] = origin.sent;
      const destination = destinationAddress === undefined ? {} : { destinationAddress, destinationPort }; // of transparent ports only
      origin.inbound = Object.freeze({ id, remoteAddress, remotePort, localAddress, localPort, ...destination });
    }
    return origin.inbound;
  };

  rt.inbound = () => inboundOf(needContext("__inbound").origin);

  const make = (number, program, inbound) =>
    contexts.set(number, new Context(rt.programs.get(program).initial.slice(), { sent: inbound, inbound: null }));

  const clone = (number, parent) => {
    const { values, origin } = contexts.get(parent);
    contexts.set(number, new Context(values.slice(), origin));
  };

  const gone = (number) => {
    const origin = contexts.get(number).origin;
    origin.sent = origin.inbound = null;
  };

  // What Python queued since the last call, in order: the number of a command (as in engine.py) and its arguments, flat.
  rt.obey = (commands) => {
    for (let at = 0; at < commands.length; ) {
      const number = commands[at + 1];
      switch (commands[at]) {
        case 1:
          make(number, commands[at + 2], commands[at + 3]);
          at += 4;
          break;
        case 2:
          clone(number, commands[at + 2]);
          at += 3;
          break;
        case 3:
          contexts.delete(number);
          at += 2;
          break;
        case 4:
          gone(number);
          at += 2;
          break;
        case 5:
          rt.dropHead(number);
          at += 2;
          break;
        case 6:
          rt.programs.delete(number);
          rt.forgetSources(number);
          at += 2;
          break;
        default:
          throw new Error(`no command ${commands[at]}`);
      }
    }
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
    const copies = elements.map((element) => {
      const copy = new Context(rt.current.values.slice(), rt.current.origin);
      if (element !== null && typeof element === "object") module.assign(copy.values, element);
      return copy;
    });
    copies.forEach((copy, index) => contexts.set(first + index, copy));
    return copies.length;
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
