// What Python calls: one string in, one string out. Builds the runtime when it is evaluated. The next room is that of the engine
// (`v8.js`, `quickjs.js`): how Python is asked, what garbage collection can be forced, how errors tell the files of scripts.
(() => {
  "use strict";

  const { parse, stringify } = JSON;
  const rt = { parse, Event: class Event {} };

  rt.LoadError = class LoadError extends Error {
    get name() {
      return "Error";
    }
  };

  // JSON for Python, which knows no halves of surrogate pairs: JSON writes them as escapes, and is itself without any.
  rt.wellFormed = (json) =>
    json.includes("\\ud") ? json.replace(/\\(?:ud[89a-f]..|.)/g, (escape) => (escape.length === 6 ? "\\ufffd" : escape)) : json;

  const quote = (text) => stringify(text.toWellFormed());

  // Plain objects go as they are to host functions, which know what to make of them.
  const question = (value) =>
    value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype
      ? `{"v":${rt.wellFormed(stringify(value))}}`
      : rt.json(value);

  // A question for Python, which answers while the script waits. How it gets there is the engine's: `rt.exchange`, text to text.
  rt.host = (name, ...args) => {
    const { error, value } = parse(rt.exchange(`[${quote(name)},[${args.map(question).join()}]]`));
    if (error !== undefined) throw new Error(error);
    return rt.argument(value);
  };

  // -- values that cross

  const identities = new WeakMap();
  let identified = 0;
  const identify = (object) => {
    let number = identities.get(object);
    if (number === undefined) identities.set(object, (number = ++identified));
    return number;
  };

  const DATA = 1;

  // Python's value -> the script's: what is no simple value comes as an array, its kind (`codec.py`) first
  rt.argument = (value) => {
    if (value === null || typeof value !== "object") return value;
    switch (value[0]) {
      case DATA:
        return rt.dataFrom(value[1], value[2]);
      case 2:
        return rt.startFrom(value[1]);
      case 3:
        return rt.messageFrom(value[1], value[2]);
      case 4:
        return new rt.MessageEnd();
      case 5:
        return rt.streamEndFrom(value[1]);
      case 6:
        return undefined;
      case 8:
        return new rt.Native(value[1]);
      default:
        return value[1];
    }
  };

  // The script's value -> JSON for Python, written by hand: it is short, and on the way of every request
  rt.json = (value) => {
    switch (typeof value) {
      case "undefined":
        return '{"u":0}';
      case "number":
        return Number.isFinite(value) ? stringify(value) : `{"f":"${value}"}`;
      case "string":
        return quote(value);
      case "boolean":
        return value ? "true" : "false";
      case "bigint":
        return `{"f":"${value}"}`;
      case "symbol":
        return quote(String(value));
    }
    if (value === null) return "null";
    if (value instanceof rt.Message) return rt.messageJSON(value);
    if (value instanceof rt.Data) return rt.dataJSON(value);
    if (value instanceof rt.MessageStart) return rt.startJSON(value);
    if (value instanceof rt.MessageEnd) return '{"e":0}';
    if (value instanceof rt.StreamEnd) return rt.streamEndJSON(value);
    if (Array.isArray(value)) return `{"l":[${Array.from(value, rt.json).join()}]}`;
    if (value instanceof rt.Native) return rt.nativeJSON(value);
    const name = value.constructor?.name;
    return `{"i":[${identify(value)},${quote(typeof name === "string" ? name : "Object")}]}`;
  };

  // The same, but plain objects and arrays by value: for callbacks that give settings.
  rt.plainJSON = (value) => {
    if (Array.isArray(value)) return `{"L":[0,[${Array.from(value, rt.plainJSON).join()}]]}`;
    if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return rt.json(value);
    const members = Object.entries(value).map(([name, member]) => `${quote(name)}:${rt.plainJSON(member)}`);
    return `{"O":[0,{${members.join()}}]}`;
  };

  // -- values as text for people

  const MACHINERY = /^\s+at .*\bpipy-(?:runtime|plugin|evaluate):/; // frames that say nothing to the author of a script

  const stackOf = (error) =>
    String(error.stack ?? error)
      .split("\n")
      .filter((line) => !MACHINERY.test(line))
      .join("\n");

  // What JSON has no form for, in words.
  const spellOut = (value) => {
    if (typeof value === "bigint" || typeof value === "symbol") return String(value);
    if (typeof value === "function") return `[Function: ${value.name || "(anonymous)"}]`;
    if (value instanceof Error || value instanceof RegExp) return String(value);
    if (value instanceof Map) return Object.fromEntries(value);
    return value instanceof Set ? [...value] : value;
  };

  const showJSON = (value) => {
    const owners = [];
    return stringify(value, function (_name, member) {
      while (owners.length > 0 && owners.at(-1) !== this) owners.pop();
      const spelled = spellOut(member);
      if (spelled === null || typeof spelled !== "object") return spelled;
      if (owners.includes(spelled)) return "[Circular]";
      owners.push(spelled);
      return spelled;
    });
  };

  const hasWords = ({ toString }) =>
    typeof toString === "function" && toString !== Object.prototype.toString && toString !== Array.prototype.toString;

  rt.show = (value) => {
    if (typeof value === "string") return value;
    try {
      if (value instanceof rt.Data) return value.toString() ?? "(binary)";
      if (value instanceof Error) return stackOf(value);
      if (value === null || typeof value !== "object" || hasWords(value)) return String(value);
      return showJSON(value) ?? String(value);
    } catch {
      return "(cannot be shown)"; // a getter or a Proxy that throws
    }
  };

  // -- the entry

  const reportRejection = (error) => void rt.host("pipy.rejected", stringify(faultOf(error)));

  const text = (value) => String(value).toWellFormed();

  const faultOf = (error) => {
    try {
      if (error instanceof Error) return { kind: text(error.name), message: text(error.message), stack: text(error.stack) };
    } catch {
      // a getter or a Proxy that throws: it is shown like anything else that was thrown
    }
    return { kind: "Error", message: `thrown: ${text(rt.show(error))}`, stack: "" };
  };

  // The script's own line that called into the runtime, as V8 prints it.
  rt.where = () => new Error().stack.split("\n").find((frame) => frame.includes("pipy://")) ?? "";

  // What Python may ask of the sources of plugins.
  rt.provided = new Map();

  const OPERATIONS = {
    load: (number, main) => rt.load(number, main),
    sweep: () => rt.sweep(),
    ask: (name, ...args) => rt.provided.get(name)(...args) ?? null,
    count: () => ({ contexts: rt.contextCount(), heads: rt.headCount(), programs: rt.programs.size }),
    fork: (context, first, program, path, functionNumber, constantNumber) => {
      rt.enter(context);
      const elements = functionNumber < 0 ? rt.constantOf(program, constantNumber) : rt.functionOf(program, functionNumber)();
      return rt.fork(first, program, path, elements);
    },
  };

  // The functions that Python is going to call next, each if the one before gives something true.
  const callAhead = (program, numbers) => {
    const results = [];
    for (const number of numbers) {
      try {
        const value = rt.functionOf(program, number)();
        results.push(rt.json(value));
        if (!value) break;
      } catch (error) {
        results.push(`{"x":${quote(stringify(faultOf(error)))}}`);
        break;
      }
    }
    return `{"l":[${results.join()}]}`;
  };

  const call = (request) => {
    const program = (rt.generation = request[1]);
    const sent = request[4];
    const ahead = request[5];
    rt.enter(request[3]);
    const run = rt.functionOf(program, request[2]);
    const first = sent.length > 0 ? rt.argument(sent[0]) : undefined;
    const value = sent.length === 0 ? run() : sent.length === 1 ? run(first) : run(first, ...sent.slice(1).map(rt.argument));
    if (value instanceof Promise) value.catch(reportRejection);
    const toJSON = request[6] ? rt.plainJSON : rt.json;
    const result = ahead.length > 0 ? callAhead(program, ahead) : value === undefined ? "" : toJSON(value);
    const heads = rt.changedHeads();
    const pieces = sent.length > 0 && sent[0]?.[0] === DATA && rt.dataChanged(first) ? rt.piecesJSON(first) : "";
    if (heads === "" && pieces === "") return result === "" ? "" : `[${result}]`;
    return `[${result || '{"u":0}'},${heads || "null"},${pieces || "null"}]`;
  };

  rt.enterCall = (text) => {
    rt.current = null;
    const end = text.indexOf("\n");
    if (end >= 0) rt.lines = text.indexOf("\n", end + 1) < 0 ? [text.slice(0, end), text.slice(end + 1)] : text.split("\n");
    const request = parse(end < 0 ? text : rt.lines[0]);
    if (request[0] !== 0) rt.obey(request[0]);
    if (typeof request[1] === "number") return call(request);
    const [, name, ...args] = request;
    return rt.wellFormed(stringify(OPERATIONS[name](...args)));
  };

  // Text that stands for an exception begins with "!". Where a module cannot be parsed is known only to an uncaught error: such a
  // fault is marked, and Python asks again with "locate".
  rt.guard = (text) => {
    if (text.startsWith('[0,"locate"')) return rt.locate(parse(text)[2]);
    try {
      return rt.enterCall(text);
    } catch (error) {
      rt.changedHeads();
      return "!" + stringify(faultOf(error));
    }
  };

  rt.freeze = () => {
    for (const { prototype } of [rt.Event, rt.Data, rt.MessageStart, rt.MessageEnd, rt.StreamEnd, rt.Message]) Object.freeze(prototype);
    for (const intrinsic of [Array, Map, WeakMap, WeakRef, Set, Promise, String, Number, Function]) Object.freeze(intrinsic.prototype);
    for (const intrinsic of [JSON, Object, Reflect, Array, Promise, Function]) Object.freeze(intrinsic);
  };

  return rt;
})()
