// What QuickJS does in its own way.
(rt) => {
  "use strict";

  rt.collectGarbage = () => {}; // it counts references: what nobody holds is gone at once, and cycles go by themselves

  // The binding takes no string that is still in pieces, as a long one is that was put together: this makes it whole.
  rt.whole = (text) => text.substring(0);
  rt.connect = (callback) => void (rt.exchange = (text) => callback(rt.whole(text)));

  // A script is to find the same globals wherever it runs: these V8 does not bring along.
  for (const name of ["SharedArrayBuffer", "atob", "btoa", "performance", "queueMicrotask", "DOMException"]) delete globalThis[name];

  // -- places in errors: what is evaluated has no name here, only lines. So each script gets lines of its own, by blank ones in
  // front of it. Nothing of the runtime is so long that it reaches the first of them.

  const FIRST = 50_000;
  const sources = []; // { first, end, path, program }, in the order of their lines

  rt.named = (source, path, program) => {
    const known = sources.find((each) => each.program === program && each.path === path);
    return "\n".repeat((known ?? place(source, path, program)).first - 1) + source;
  };

  const place = (source, path, program) => {
    const count = source.split(/\r\n|[\n\r\u2028\u2029]/).length;
    let first = FIRST;
    let at = 0;
    while (at < sources.length && sources[at].first - first < count) first = sources[at++].end;
    const placed = { first, end: first + count, path, program };
    sources.splice(at, 0, placed);
    return placed;
  };

  rt.forgetSources = (program) => {
    for (let at = sources.length - 1; at >= 0; at--) if (sources[at].program === program) sources.splice(at, 1);
  };

  // -- stacks read as those of V8 do

  const FRAME = /^ {4}at (?:(.*) \()?<input>(?::(\d+):(\d+))?\)?$/;
  const NAMES = { "<anonymous>": undefined, "<eval>": "eval" };

  const placeOf = (line, column) => {
    const source = sources.find(({ first, end }) => line >= first && line < end);
    return source === undefined ? `pipy-runtime:quickjs:${line}:${column}` : `pipy://${source.path}:${line - source.first + 1}:${column}`;
  };

  const readable = (frame) => {
    const match = FRAME.exec(frame);
    if (match === null) return frame.replace(" (native)", " (<anonymous>)");
    const place = placeOf(Number(match[2]), match[3]);
    const name = match[1] in NAMES ? NAMES[match[1]] : match[1];
    return name === undefined ? `    at ${place}` : `    at ${name} (${place})`;
  };

  const header = (error) => {
    try {
      return String(error);
    } catch {
      return "Error"; // a getter that throws
    }
  };

  const { get } = Object.getOwnPropertyDescriptor(Error.prototype, "stack");
  Object.defineProperty(Error.prototype, "stack", {
    get() {
      const stack = get.call(this);
      if (typeof stack !== "string") return stack;
      return [header(this), ...stack.trimEnd().split("\n").map(readable)].join("\n");
    },
    set(value) {
      Object.defineProperty(this, "stack", { value, writable: true, configurable: true });
    },
    configurable: true,
  });
};
