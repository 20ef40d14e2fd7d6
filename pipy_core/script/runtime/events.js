// The events that scripts see, and Message. A head is one object for the whole life of its message: Python knows it by number.
(rt) => {
  "use strict";

  const { stringify } = JSON;
  const records = new Map(); // number -> record, for every head that Python holds
  let touched = []; // records whose head a script has looked at during this call
  let made = 0; // heads made by scripts have negative numbers, Python's are positive

  // A record is { number (0: Python does not know it), head, known (its JSON as Python has it), hasData (in it) }; the head of one that Python has
  // sent is read from its JSON when a script first looks at it.
  const recordOf = (head) => touched.find((record) => record.head === head) ?? { number: 0, head, known: undefined, hasData: false };

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
      return json[0] === "{" ? rt.wellFormed(json) : "{}";
    } catch {
      return "{}";
    }
  };

  const objectJSON = (head) => {
    try {
      const json = stringify(head);
      return json[0] === "{" ? rt.wellFormed(json) : salvaged(head);
    } catch {
      return salvaged(head);
    }
  };

  // A head crosses as a JSON object, whatever a script has made of it. The few that have Data in them are made once more, with marks.
  const write = (record) => {
    rt.hasSeenData();
    const json = objectJSON(record.head);
    record.hasData = rt.hasSeenData();
    return record.hasData ? rt.marked(() => objectJSON(record.head)) : json;
  };

  const fieldsJSON = ({ number, known, hasData }) => (hasData ? `[${number},${known},1]` : `[${number},${known}]`);

  const touch = (record) => {
    if (record.head === undefined) record.head = record.hasData ? rt.parse(record.known, rt.reviveData) : rt.parse(record.known);
    if (record.number !== 0 && !touched.includes(record)) {
      record.known ??= write(record);
      touched.push(record);
    }
    return record.head;
  };

  // What Python sends of a head: null, a number it has sent before, or [number, which of the lines of the request is its JSON], with
  // a 1 behind them if there is Data in it; the number is 0 for one that Python will not come back to.
  const recordFrom = (sent) => {
    if (sent === null) return null;
    if (typeof sent === "number") return records.get(sent);
    const record = { number: sent[0], head: undefined, known: rt.lines[sent[1]], hasData: sent.length > 2 };
    if (record.number !== 0) records.set(record.number, record);
    return record;
  };

  // What Python gets of a head: null, a number it knows, or [number, fields], with a 1 behind them if there is Data among them.
  const headJSON = (record) => {
    if (record === null) return "null";
    if (record.number !== 0) {
      touch(record);
      return String(record.number);
    }
    touch(record);
    record.known = write(record);
    record.number = --made;
    records.set(record.number, record);
    return fieldsJSON(record);
  };

  // Heads that scripts have changed in this call: "[[number, fields], ...]", or nothing.
  rt.changedHeads = () => {
    if (touched.length === 0) return "";
    const changes = [];
    for (const record of touched) {
      const now = write(record);
      if (now !== record.known) {
        record.known = now;
        changes.push(fieldsJSON(record));
      }
    }
    touched = [];
    return changes.length > 0 ? `[${changes.join()}]` : "";
  };

  rt.dropHead = (number) => {
    const record = records.get(number);
    if (record !== undefined) {
      record.number = 0;
      if (record.head !== undefined) record.known = undefined; // a script may have kept the message: its head can still be read
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
    if (typeof body === "string" || body instanceof rt.Data) return body;
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
      rt.startJSON = (start) => `{"s":${headJSON(start.#record)}}`;
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
      rt.streamEndJSON = (end) => `{"z":"${end.#error}"}`;
    }
  }

  // A body is text or Data of the script's, or still as Python has sent it.
  const bodyJSON = (body) => {
    if (typeof body === "string") return `{"p":[${stringify(body.toWellFormed())}]}`;
    return body instanceof rt.Data ? rt.dataJSON(body) : stringify(body);
  };

  class Message {
    #record;
    #body;
    constructor(first, second) {
      const bodyOnly = arguments.length === 1 && (typeof first === "string" || first instanceof rt.Data);
      this.#record = bodyOnly ? null : givenHead(first);
      this.#body = givenBody(bodyOnly ? first : second);
    }
    get head() {
      return this.#record === null ? null : touch(this.#record);
    }
    get body() {
      const body = this.#body;
      if (body === null || body instanceof rt.Data) return body;
      return (this.#body = typeof body === "string" ? new rt.Data(body) : rt.argument(body));
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
      rt.messageJSON = (message) => {
        return `{"m":[${headJSON(message.#record)},${bodyJSON(message.#body)}]}`;
      };
    }
  }

  Object.assign(rt, { MessageStart, MessageEnd, StreamEnd, Message });
};
