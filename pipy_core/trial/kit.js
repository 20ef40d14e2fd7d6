// The test kit's half in the isolate: what `*.test.js` files see. A room of the runtime, loaded only where tests run.
// A test never drives anything itself: it leaves commands, which Python performs between calls and answers by `tell`.
(rt) => {
  "use strict";

  const { host, Data, Message, MessageStart } = rt;
  const KIT = -1; // the number under which Python calls the functions at the end of this file

  // -- the clock: what scripts and tests take for the present is what the test says

  const RealDate = Date;
  const now = () => host("test.now");
  const Clock = new Proxy(RealDate, {
    construct: (target, args, made) => Reflect.construct(target, args.length > 0 ? args : [now()], made),
    apply: () => String(new RealDate(now())),
    get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver)),
  });
  RealDate.prototype.constructor = Clock;
  rt.install({ Date: Clock });

  // -- declaring tests

  const tests = [];
  let running = false;

  const declare = (mode) => (name, run) => {
    if (running) throw new Error("test() cannot be called by a test");
    if (typeof name !== "string" || name === "") throw new TypeError("test() expects a name, and a function");
    if (typeof run !== "function") throw new TypeError(`test(${rt.show(name)}) expects a function`);
    tests.push(run);
    host("test.declare", name, mode, rt.where());
  };
  const test = declare("run");
  test.skip = declare("skip");
  test.only = declare("only");

  const script = (path) => {
    if (typeof path !== "string") throw new TypeError("script() expects the path of a script");
    host("test.script", path);
  };

  rt.Scope = class extends rt.Scope {
    constructor(path) {
      super(path);
      if (!path.endsWith(".test.js")) return;
      this.constant("test", () => test);
      this.constant("script", () => script);
    }
  };

  // -- commands

  let commands = 0;
  let pending = new Map(); // number -> { step, resolve, reject, at }
  let rejected = []; // steps that failed

  // What a command gives. It knows whether anybody waits for it: a failure that nobody would hear of fails the test.
  class Step extends Promise {
    awaited = false;
    static get [Symbol.species]() {
      return Promise;
    }
    then(resolved, rejected) {
      const next = new Step((resolve, reject) => super.then(resolved, rejected).then(resolve, reject));
      if (typeof rejected === "function") this.hear();
      else next.before = this; // whoever hears of that failure hears of this one
      return next;
    }
    hear() {
      this.awaited = true;
      this.before?.hear();
    }
  }

  const command = (name, ...args) => {
    const entry = { at: new Error() };
    entry.step = new Step((resolve, reject) => Object.assign(entry, { resolve, reject }));
    pending.set(++commands, entry);
    host("test.command", commands, name, rt.where(), ...args);
    return entry.step;
  };

  const settle = (number) => {
    const entry = pending.get(number);
    pending.delete(number);
    return entry;
  };

  // -- errors

  class AssertionError extends Error {
    get name() {
      return "AssertionError";
    }
  }

  const stackOf = (error) => String(error.stack ?? "").toWellFormed();

  const faultOf = (error) => {
    try {
      if (error instanceof Error) {
        const { given, expected } = error;
        return { kind: String(error.name), message: String(error.message), stack: stackOf(error), given, expected };
      }
    } catch {
      // a getter that throws: it is shown like anything else that was thrown
    }
    return { kind: "Error", message: `thrown: ${rt.show(error)}`, stack: "" };
  };

  const wellFormed = (fault) => rt.wellFormed(JSON.stringify(fault));

  // It fails the test even if somebody catches it, or nobody awaits who made it.
  const refuse = (message, note, details) => {
    const error = Object.assign(new AssertionError(note === undefined ? message : `${message}: ${note}`), details);
    host("test.failure", wellFormed(faultOf(error)));
    throw error;
  };

  // -- comparing and showing values

  const isObject = (value) => value !== null && typeof value === "object";
  const hex = (data) => data.toString("hex");
  const namesOf = (value) => Object.keys(value).sort();

  const parts = (value) => {
    if (value instanceof Message) return { head: value.head, body: value.body };
    if (value instanceof MessageStart) return { head: value.head };
    if (value instanceof rt.StreamEnd) return { error: value.error };
    if (value instanceof Map) return [...value];
    if (value instanceof Set) return [...value];
    if (value instanceof Error) return { name: value.name, message: value.message };
    return value;
  };

  const sameMembers = (one, other, seen) => {
    const names = namesOf(one);
    if (Array.isArray(one) && one.length !== other.length) return false;
    return same(names.join("\n"), namesOf(other).join("\n"), seen) && names.every((name) => same(one[name], other[name], seen));
  };

  const same = (one, other, seen) => {
    if (Object.is(one, other)) return true;
    if (!isObject(one) || !isObject(other)) return false;
    if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
    if (one instanceof Data) return hex(one) === hex(other);
    if (one instanceof RealDate || one instanceof RegExp) return String(one) === String(other) && Object.is(+one, +other);
    if (seen.some(([a, b]) => a === one && b === other)) return true;
    return sameMembers(parts(one), parts(other), [...seen, [one, other]]);
  };

  const LIMIT = 64 * 1024; // characters of a value that is shown
  const MEMBERS = 1000; // of an object or array that are shown
  const literal = (value) => {
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return `[Function: ${value.name || "(anonymous)"}]`;
    return String(value);
  };

  const labelOf = (value) => {
    const name = value.constructor?.name;
    return typeof name === "string" && name !== "Object" && name !== "Array" ? `${name} ` : "";
  };

  const dataText = (data) => {
    const text = data.toString();
    return text === undefined ? `Data [${hex(data)}]` : `Data ${JSON.stringify(text)}`;
  };

  const draw = (value, indent, owners) => {
    if (!isObject(value)) return literal(value);
    if (owners.includes(value)) return "[Circular]";
    if (value instanceof Data) return dataText(value);
    if (value instanceof RegExp || value instanceof RealDate) return String(value);
    const content = parts(value);
    const [open, close] = Array.isArray(content) ? ["[", "]"] : ["{", "}"];
    const all = Array.isArray(content) ? [...content.keys()] : namesOf(content);
    const names = all.slice(0, MEMBERS);
    const inner = `${indent}  `;
    const lines = names.map((name) => {
      const shown = draw(content[name], inner, [...owners, value]);
      return `${inner}${Array.isArray(content) ? "" : `${name}: `}${shown}\n`;
    });
    if (all.length > MEMBERS) lines.push(`${inner}... ${all.length - MEMBERS} more\n`);
    return `${labelOf(value)}${open}${lines.length > 0 ? `\n${lines.join("")}${indent}` : ""}${close}`;
  };

  const shown = (value) => {
    try {
      const text = draw(value, "", []);
      return text.length > LIMIT ? `${text.slice(0, LIMIT)}...` : text;
    } catch {
      return "(cannot be shown)";
    }
  };

  // Text of several lines is compared line by line.
  const details = (given, expected) => {
    const raw = typeof given === "string" && typeof expected === "string" && `${given}${expected}`.includes("\n");
    return raw ? { given, expected } : { given: shown(given), expected: shown(expected) };
  };

  const matches = (text, pattern) => (pattern instanceof RegExp ? text.search(pattern) >= 0 : text.includes(pattern));

  const checkPattern = (pattern) => {
    if (typeof pattern !== "string" && !(pattern instanceof RegExp)) throw new TypeError("expected a string or a RegExp to match");
  };

  // -- what a test talks to

  const message = (first, body) => (first instanceof Message ? first : new Message(first ?? {}, body));
  const bytes = (content) => {
    if (typeof content === "string") return new Data(content);
    if (content instanceof Data) return content;
    throw new TypeError("expected a string or an instance of Data");
  };

  let handles = 0;

  class Client {
    #number;
    constructor(port, options) {
      this.#number = ++handles;
      command("open", this.#number, port, options);
    }
    send(content) {
      return command("send", this.#number, bytes(content));
    }
    request(first, body) {
      return command("request", this.#number, message(first, body));
    }
    end() {
      return command("end", this.#number);
    }
    abort() {
      return command("abort", this.#number);
    }
    get received() {
      return host("test.received", this.#number) ?? new Data();
    }
    get closed() {
      return host("test.closed", this.#number);
    }
    get error() {
      return host("test.error", this.#number);
    }
    variable(name) {
      return variable(this.#number, name);
    }
  }

  class Port {
    #address;
    constructor(address) {
      this.#address = address;
    }
    open(options = {}) {
      return new Client(this.#address, options);
    }
    request(first, body) {
      return command("request_once", this.#address, message(first, body));
    }
    static addressOf(port) {
      return port.#address;
    }
  }

  const eventFrom = (sent) => (sent instanceof rt.Event ? sent : new MessageStart(sent.head));

  class Stream {
    #number;
    #output = [];
    #taken = 0;
    constructor(name, variables, options) {
      this.#number = ++handles;
      given.set(this.#number, variables);
      command("pipeline", this.#number, name, options);
    }
    send(...events) {
      return command("feed", this.#number, events.map((event) => (typeof event === "string" ? new Data(event) : event)));
    }
    end() {
      return command("feed_end", this.#number);
    }
    request(first, body) {
      return command("ask", this.#number, message(first, body));
    }
    get output() {
      const count = host("test.outputCount", this.#number);
      while (this.#output.length < count) this.#output.push(eventFrom(host("test.output", this.#number, this.#output.length)));
      return this.#output.slice();
    }
    take() {
      const events = this.output.slice(this.#taken);
      this.#taken += events.length;
      return events;
    }
    get messages() {
      const count = host("test.messageCount", this.#number);
      return Array.from({ length: count }, (_, index) => messageAt("test.message", this.#number, index));
    }
    get closed() {
      return host("test.closed", this.#number);
    }
    get error() {
      return host("test.error", this.#number);
    }
    variable(name) {
      return variable(this.#number, name);
    }
  }

  const messageAt = (name, number, index) => new Message(host(`${name}Head`, number, index), host(`${name}Body`, number, index) ?? new Data());

  class Upstream {
    #number;
    #requests = [];
    constructor(number) {
      this.#number = number;
    }
    get requests() {
      const count = host("test.requestCount", this.#number);
      while (this.#requests.length < count) this.#requests.push(messageAt("test.request", this.#number, this.#requests.length));
      return this.#requests.slice();
    }
    get connections() {
      return host("test.connectionCount", this.#number);
    }
    get received() {
      return host("test.upstreamReceived", this.#number) ?? new Data();
    }
    send(content) {
      return command("upstream_send", this.#number, bytes(content));
    }
    close() {
      return command("upstream_close", this.#number, false);
    }
    reset() {
      return command("upstream_close", this.#number, true);
    }
  }

  const answers = new Map(); // number of an upstream -> function
  const given = new Map(); // number of a stream -> variables to be assigned

  class Task {
    #which;
    constructor(which) {
      this.#which = which;
    }
    run() {
      return command("run_task", this.#which);
    }
    start() {
      return command("start_task", this.#which);
    }
  }

  // -- variables of the script

  const slotOf = (program, path, name) => {
    const module = rt.programs.get(program)?.modules.get(path);
    const slot = module?.scope.slots.get(name);
    if (slot === undefined) throw new ReferenceError(`${path} has no variable ${name}`);
    return slot;
  };

  const inContext = (context, use) => {
    const before = rt.current;
    rt.enter(context);
    try {
      return use(rt.current.values);
    } finally {
      rt.current = before;
    }
  };

  const variable = (number, name) => {
    const [context, program, path] = host("test.context", number);
    return inContext(context, (values) => values[slotOf(program, path, name)]);
  };

  const assign = (context, program, path, variables) =>
    inContext(context, (values) => {
      for (const [name, value] of Object.entries(variables)) values[slotOf(program, path, name)] = value;
    });

  // -- what a test is given

  const isPlain = (value) => isObject(value) && Object.getPrototypeOf(value) === Object.prototype;

  const kindOf = (answer) => {
    if (answer === undefined || answer === null) return "silent";
    if (answer instanceof Port) return "port";
    return typeof answer === "function" ? "asks" : "constant";
  };

  const upstream = (address, answer, options, raw) => {
    if (typeof address !== "string") throw new TypeError("an upstream is named by its address, such as 'localhost:8080'");
    if (options === undefined && isPlain(answer)) [answer, options] = [undefined, answer];
    if (typeof answer === "string") answer = raw ? new Data(answer) : new Message(answer);
    if (answer instanceof Data && !raw) answer = new Message(answer);
    const kind = kindOf(answer);
    const number = ++handles;
    if (kind === "asks") answers.set(number, answer);
    const content = kind === "port" ? Port.addressOf(answer) : kind === "constant" ? answer : null;
    host("test.upstream", number, address, raw, kind, content, options ?? {});
    return new Upstream(number);
  };

  class Program {
    #number;
    constructor(number) {
      this.#number = number;
    }
    get runs() {
      const count = host("test.runCount", this.#number);
      return Array.from({ length: count }, (_, index) => ({
        arguments: host("test.runArguments", this.#number, index),
        input: host("test.runInput", this.#number, index) ?? new Data(),
      }));
    }
  }

  const exec = (name, output = "", options = {}) => {
    if (typeof name !== "string") throw new TypeError("a program is named by its name, or by its command line");
    const number = ++handles;
    if (typeof output === "function") answers.set(number, output);
    host("test.exec", number, name, typeof output === "function" ? null : bytes(output), options);
    return new Program(number);
  };

  const checkThrown = (error, pattern, note) => {
    if (error instanceof AssertionError) throw error;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : rt.show(error);
    if (pattern !== undefined && !matches(text, pattern))
      refuse("something else was thrown", note, { given: text, expected: String(pattern) });
    return error;
  };

  class Test {
    port(address) {
      return new Port(address ?? null);
    }
    pipeline(name, variables = {}, options = {}) {
      return new Stream(name, variables, options);
    }
    task(which) {
      return new Task(which ?? null);
    }
    upstream(address, answer, options) {
      return upstream(address, answer, options, false);
    }
    tcp(address, answer, options) {
      return upstream(address, answer, options, true);
    }
    exec(name, output, options) {
      return exec(name, output, options);
    }
    file(path, content) {
      if (typeof path !== "string") throw new TypeError("a file is named by its path");
      const text = typeof content === "string" || content instanceof Data || content === null ? content : JSON.stringify(content, null, 2);
      if (text === undefined) throw new TypeError("the content of a file is text, Data, an object, or null");
      host("test.file", path, typeof text === "string" ? new Data(text) : text);
    }
    load() {
      return command("load");
    }
    advance(seconds) {
      return command("advance", seconds);
    }
    setDate(date) {
      host("test.setDate", +new Clock(date));
    }
    get exitCode() {
      return host("test.exitCode");
    }
    get log() {
      return host("test.lines");
    }
    equal(actual, expected, note) {
      if (!same(actual, expected, [])) refuse("not equal", note, details(actual, expected));
    }
    notEqual(actual, other, note) {
      if (same(actual, other, [])) refuse("equal", note, { given: shown(actual) });
    }
    ok(value, note) {
      if (!value) refuse("not true", note, { given: shown(value) });
    }
    match(text, pattern, note) {
      checkPattern(pattern);
      const whole = text instanceof Data ? text.toString() : text;
      if (typeof whole !== "string" || !matches(whole, pattern))
        refuse("does not match", note, { given: typeof whole === "string" ? whole : shown(whole), expected: String(pattern) });
    }
    throws(run, pattern, note) {
      if (pattern !== undefined) checkPattern(pattern);
      const nothing = () => refuse("nothing was thrown", note, {});
      let result;
      try {
        result = typeof run === "function" ? run() : run;
      } catch (error) {
        return checkThrown(error, pattern, note);
      }
      if (!(result instanceof Promise)) return nothing();
      return result.then(nothing, (error) => checkThrown(error, pattern, note));
    }
    logged(pattern, note) {
      checkPattern(pattern);
      const found = [...this.log.entries()].filter(([, line]) => matches(line, pattern)).map(([index]) => index);
      if (found.length === 0) refuse("not logged", note, { expected: String(pattern) });
      host("test.expected", found);
      return found.length;
    }
    fail(note) {
      refuse(note ?? "failed", undefined, {});
    }
  }

  // -- what Python calls

  const finish = (fault) => {
    running = false;
    for (const { step, error } of rejected) if (!step.awaited) host("test.failure", wellFormed(faultOf(error)));
    host("test.finished", fault);
  };

  const begin = (index) => {
    [pending, rejected, running] = [new Map(), [], true];
    answers.clear();
    given.clear();
    const run = async () => tests[index](new Test());
    run().then(
      () => finish(null),
      (error) => finish(error instanceof AssertionError ? null : wellFormed(faultOf(error))), // an assertion has told already
    );
  };

  const done = (number, value) => settle(number)?.resolve(value);

  const failed = (number, kind, text) => {
    const entry = settle(number);
    if (entry === undefined) return;
    const error = Object.assign(new Error(text), { stack: entry.at.stack });
    Object.defineProperty(error, "name", { value: kind });
    rejected.push({ step: entry.step, error });
    entry.reject(error);
    if (!running && !entry.step.awaited) host("test.failure", wellFormed(faultOf(error)));
  };

  const ask = (number, exchange, asked) => {
    const run = async () => answers.get(number)(asked);
    run().then(
      (answer) => host("test.answer", exchange, answer),
      (error) => {
        if (!(error instanceof AssertionError)) host("test.failure", wellFormed(faultOf(error)));
        host("test.answer", exchange, null);
      },
    );
  };

  const assignGiven = (number, context, program, path) => assign(context, program, path, given.get(number));
  const read = (context, program, path, name) => inContext(context, (values) => values[slotOf(program, path, name)]);

  rt.programs.set(KIT, { functions: [begin, done, failed, ask, assignGiven, assign, read] });
};
