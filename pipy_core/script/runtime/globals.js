// The globals of the core; plugins add theirs with `rt.install`.
(rt) => {
  "use strict";

  const log =
    (level) =>
    (...values) =>
      void rt.host("pipy.log", level, values.map(rt.show).join(" "));

  const console = { log: log("info"), info: log("info"), warn: log("warning"), error: log("error"), debug: log("debug") };

  const isPlain = (value) => value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;

  // Globals of a plugin; a member of an object that is already there (`algo`, `os`) joins it.
  rt.install = (members) => {
    for (const [name, value] of Object.entries(members)) {
      if (isPlain(value) && isPlain(globalThis[name])) Object.assign(globalThis[name], value);
      else Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    }
  };

  const { Data, Message, MessageStart, MessageEnd, StreamEnd, Native, pipy } = rt;
  const provide = (name, answer) => void rt.provided.set(name, answer);
  const generation = () => rt.generation; // of the script that is running: a reload is the next one
  const isAlive = (number) => rt.programs.has(number);
  rt.install({ console, Data, Message, MessageStart, MessageEnd, StreamEnd, pipy });
  rt.forPlugins = Object.freeze({ Data, Message, MessageStart, MessageEnd, StreamEnd, Native, host: rt.host, provide, generation, isAlive });
};
