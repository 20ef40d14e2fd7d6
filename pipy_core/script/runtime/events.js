// The events that scripts see, and Message. A head is one object for the whole life of its message: Python knows it by number.
(rt) => {
  "use strict";

  const { stringify } = JSON;
  const records = new Map(); // number -> record, for every head that Python holds
  const owners = new WeakMap(); // head object -> record
  let touched = []; // records whose head a script has looked at during this call
  let made = 0; // heads made by scripts have negative numbers, Python's are positive

  // A record is { number (0: Python does not know it), head, known (its JSON as Python has it) }.
  const recordOf = (head) => {
    let record = owners.get(head);
    if (record === undefined) owners.set(head, (record = { number: 0, head, known: undefined }));
    return record;
  };

  // What of a value can be put into JSON: a BigInt as text; without what throws when it is read, and without what it is a part of.
  const salvage = (value, copies) => {
    if (typeof value === "bigint") return String(value);
    if (typeof value === "function") return undefined; // it might be called toJSON
    if (value === null || typeof value !== "object") return value;
    return typeof value.toJSON === "function" ? salvage(value.toJSON(), copies) : salvageObject(value, copies);
  };

  const salvageObject = (value, copies) => {
    if (copies.has(value)) return copies.get(value);
    copies.set(value, undefined); // until it is complete
    const copy = Array.isArray(value) ? [] : Object.create(null);
    for (const name of Object.keys(value)) {
      try {
        copy[name] = salvage(value[name], copies);
      } catch {
        // left out
      }
    }
    copies.set(value, copy);
    return copy;
  };

  const salvaged = (head) => {
    try {
      const json = stringify(salvageObject(head, new Map()));
      return json[0] === "{" ? json : "{}";
    } catch {
      return "{}";
    }
  };

  // A head crosses as a JSON object, whatever a script has made of it.
  const asJSON = (head) => {
    try {
      const json = stringify(head);
      return json[0] === "{" ? json : salvaged(head);
    } catch {
      return salvaged(head);
    }
  };

  const touch = (record) => {
    if (record.number !== 0 && !touched.includes(record)) {
      if (record.known === undefined) {
        record.known = asJSON(record.head);
        owners.set(record.head, record); // from now on a script may give the head back
      }
      touched.push(record);
    }
    return record.head;
  };

  // What Python sends of a head: null, a number it has sent before, or [number, fields].
  const recordFrom = (sent) => {
    if (sent === null) return null;
    if (typeof sent === "number") return records.get(sent);
    const [number, head] = sent;
    const record = { number, head, known: undefined };
    records.set(number, record);
    return record;
  };

  // What Python gets of a head: null, a number it knows, or [number, fields].
  rt.headOut = (record) => {
    if (record === null) return null;
    if (record.number !== 0) {
      touch(record);
      return record.number;
    }
    record.number = --made;
    record.known = asJSON(record.head);
    records.set(record.number, record);
    return [record.number, rt.parse(record.known)];
  };

  // Heads that scripts have changed in this call: [[number, fields], ...], or undefined.
  rt.changedHeads = () => {
    if (touched.length === 0) return undefined;
    let changes;
    for (const record of touched) {
      const now = asJSON(record.head);
      if (now !== record.known) {
        record.known = now;
        (changes ??= []).push([record.number, rt.parse(now)]);
      } 
    }
    touched = [];
    return changes;
  };

  rt.dropHead = (number) => {
    const record = records.get(number);
    if (record !== undefined) {
      record.number = 0;
      record.known = undefined;
      records.delete(number);
    }
  };
  rt.headCount = () => records.size;

  const givenHead = (head) => {
    if (head === undefined || head === null) return null;
    if (typeof head !== "object") throw new TypeError("argument #1 expects an object");
    return recordOf(head);
  };

  const givenBody = (body) => {
    if (body === undefined || body === null) return null;
    if (typeof body === "string") return new rt.Data(body);
    if (body instanceof rt.Data) return body;
    throw new TypeError("the body of a Message is a string or an instance of Data");
  };

  class MessageStart extends rt.Event {
    #record;
    constructor(head) {
      super();
      this.#record = givenHead(head);
    }
    get head() {
      return this.#record === null ? null : touch(this.#record);
    }
    toJSON() {
      return { head: this.head };
    }
    static {
      rt.startFrom = (sent) => {
        const start = new MessageStart();
        start.#record = recordFrom(sent);
        return start;
      };
      rt.startOut = (start) => ({ s: rt.headOut(start.#record) });
    }
  }

  class MessageEnd extends rt.Event {}

  class StreamEnd extends rt.Event {
    #error = "";
    get error() {
      return this.#error;
    }
    toJSON() {
      return { error: this.#error };
    }
    static {
      rt.streamEndFrom = (error) => {
        const end = new StreamEnd();
        end.#error = error;
        return end;
      };
      rt.streamEndOut = (end) => ({ z: end.#error });
    }
  }

  class Message {
    #record;
    #body;
    constructor(...args) {
      const [first] = args;
      const bodyOnly = args.length === 1 && (typeof first === "string" || first instanceof rt.Data);
      this.#record = bodyOnly ? null : givenHead(first);
      this.#body = givenBody(bodyOnly ? first : args[1]);
    }
    get head() {
      return this.#record === null ? null : touch(this.#record);
    }
    get body() {
      if (this.#body instanceof rt.Data || this.#body === null) return this.#body;
      return (this.#body = rt.argument(this.#body));
    }
    toJSON() {
      return { head: this.head, body: this.body };
    }
    static {
      // The body becomes a Data only when a script looks at it.
      rt.messageFrom = (head, body) => {
        const message = new Message();
        message.#record = recordFrom(head);
        message.#body = body;
        return message;
      };
      rt.messageOut = (message) => {
        const body = message.#body;
        return { m: [rt.headOut(message.#record), body instanceof rt.Data ? rt.dataOut(body) : body] };
      };
    }
  }

  Object.assign(rt, { MessageStart, MessageEnd, StreamEnd, Message });
};
