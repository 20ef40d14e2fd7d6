// What Python calls: one string in, one string out. Builds the runtime when it is evaluated.
(() => {
  "use strict";

  const { parse, stringify } = JSON;
  const rt = { parse, Event: class Event {}, collectGarbage: globalThis.gc, memory: new SharedArrayBuffer(1 << 20) };
  globalThis.gc = undefined; // it cannot be deleted
  delete globalThis.SharedArrayBuffer;

  rt.LoadError = class LoadError extends Error {
    get name() {
      return "Error";
    }
  };

  // -- calling Python while a script waits: text goes both ways as UTF-16 through memory that Python sees too

  let words; // Int32: [units in this piece, whether more follow]
  let units; // Uint16, behind the header
  let ring; // the function that makes Python look
  const HEADER_WORDS = 4;

  rt.connect = (callback) => {
    words = new Int32Array(rt.memory, 0, HEADER_WORDS);
    units = new Uint16Array(rt.memory, HEADER_WORDS * 4);
    ring = callback;
  };

  const exchange = (text) => {
    let sent = 0;
    do {
      const size = Math.min(text.length - sent, units.length);
      for (let i = 0; i < size; i++) units[i] = text.charCodeAt(sent + i);
      sent += size;
      words[0] = size;
      words[1] = sent < text.length ? 1 : 0;
      ring();
    } while (sent < text.length);
    let answer = "";
    for (;;) {
      const size = words[0];
      for (let i = 0; i < size; i += 8192) answer += String.fromCharCode.apply(null, units.subarray(i, Math.min(i + 8192, size)));
      if (words[1] === 0) return answer;
      words[0] = -1; // the next piece, please
      ring();
    }
  };

  // Plain objects go as they are to host functions, which know what to make of them.
  const question = (value) =>
    value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype ? { v: value } : rt.out(value);

  rt.host = (name, ...args) => {
    const { error, value } = parse(exchange(stringify([name, args.map(question)])));
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

  // Python's value -> the script's: what is no simple value comes as an array, its kind (`codec.py`) first
  rt.argument = (value) => {
    if (value === null || typeof value !== "object") return value;
    switch (value[0]) {
      case 1:
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
      default:
        return value[1];
    }
  };

  rt.dataOut = (data) => ({ p: rt.piecesOf(data) });

  // The script's value -> Python's
  rt.out = (value) => {
    switch (typeof value) {
      case "undefined":
        return { u: 0 };
      case "number":
        return Number.isFinite(value) ? value : { f: String(value) };
      case "string":
        return value.toWellFormed();
      case "boolean":
        return value;
      case "bigint":
        return { f: String(value) };
      case "symbol":
        return { u: 0 };
    }
    if (value === null) return null;
    if (value instanceof rt.Event) {
      if (value instanceof rt.Data) return rt.dataOut(value);
      if (value instanceof rt.MessageStart) return rt.startOut(value);
      if (value instanceof rt.MessageEnd) return { e: 0 };
      if (value instanceof rt.StreamEnd) return rt.streamEndOut(value);
    }
    if (value instanceof rt.Message) return rt.messageOut(value);
    if (Array.isArray(value)) return { l: value.map(rt.out) };
    return { i: [identify(value), value.constructor?.name ?? "Object"] };
  };

  rt.show = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof rt.Data) return value.toString() ?? "(binary)";
    if (value instanceof Error) return value.stack ?? String(value);
    if (value === null || typeof value !== "object") return String(value);
    if (value instanceof Date || value instanceof RegExp) return String(value);
    try {
      return stringify(value instanceof rt.Message || value instanceof rt.MessageStart ? { head: value.head, body: rt.show(value.body) } : value);
    } catch {
      return String(value);
    }
  };

  // -- the entry

  const reportRejection = (error) => void rt.host("pipy.rejected", faultOf(error));

  const faultOf = (error) => {
    if (!(error instanceof Error)) return { kind: "Error", message: `thrown: ${rt.show(error)}`, stack: "" };
    return { kind: String(error.name), message: String(error.message), stack: String(error.stack) };
  };

  // The script's own line that called into the runtime, as V8 prints it.
  rt.where = () => new Error().stack.split("\n").find((frame) => frame.includes("pipy://")) ?? "";

  const OPERATIONS = {
    load: (number, main) => rt.load(number, main),
    sweep: () => rt.sweep(),
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
        results.push(rt.out(value));
        if (!value) break;
      } catch (error) {
        results.push({ x: stringify(faultOf(error)) });
        break;
      }
    }
    return { l: results };
  };

  const call = ([, program, number, context, sent, ahead]) => {
    rt.enter(context);
    const args = sent.map(rt.argument);
    const value = rt.functionOf(program, number)(...args);
    if (value instanceof Promise) value.catch(reportRejection);
    const changedData = sent.length > 0 && args[0] instanceof rt.Data && rt.dataChanged(args[0]) ? rt.piecesOf(args[0]) : undefined;
    const result = ahead.length > 0 ? callAhead(program, ahead) : value === undefined ? undefined : rt.out(value);
    const changedHeads = rt.changedHeads();
    if (changedHeads !== undefined || changedData !== undefined)
      return stringify([result ?? { u: 0 }, changedHeads ?? null, changedData ?? null]);
    return result === undefined ? "" : stringify([result]);
  };

  rt.enterCall = (text) => {
    rt.current = null;
    const request = parse(text);
    if (request[0] !== 0) rt.obey(request[0]);
    if (typeof request[1] === "string") {
      const [, name, ...args] = request;
      return stringify(OPERATIONS[name](...args));
    }
    return call(request);
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
