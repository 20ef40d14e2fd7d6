// Data: a mutable rope of bytes. Bytes that came from Python stay there until a script looks at them: a piece of the rope is then
// only a handle (a number in Python's table of payloads) and a range. Other pieces are text or bytes that the script made.
(rt) => {
  "use strict";

  const { stringify } = JSON;

  const live = new Map(); // number -> WeakRef of its Handle

  class Handle {
    constructor(number) {
      this.number = number;
      live.set(number, new WeakRef(this));
    }
  }

  rt.handle = (number) => live.get(number)?.deref() ?? new Handle(number);
  const { handle } = rt;

  // Numbers whose handles no script can reach any more. Python asks for them when it holds too many payloads.
  rt.sweep = () => {
    rt.collectGarbage();
    const dead = [];
    for (const [number, reference] of live) {
      if (reference.deref() === undefined) {
        dead.push(number);
        live.delete(number);
      }
    }
    return dead;
  };

  const textSize = (text) => {
    let size = text.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) size += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
    }
    return size;
  };

  const encodeText = (text) => {
    const bytes = new Uint8Array(textSize(text));
    let at = 0;
    for (const letter of text) {
      const code = letter.codePointAt(0);
      if (code < 0x80) bytes[at++] = code;
      else if (code < 0x800) bytes[at++] = 0xc0 | (code >> 6), bytes[at++] = 0x80 | (code & 0x3f);
      else {
        if (code < 0x10000) bytes[at++] = 0xe0 | (code >> 12);
        else bytes[at++] = 0xf0 | (code >> 18), bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
        bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[at++] = 0x80 | (code & 0x3f);
      }
    }
    return bytes;
  };

  const DECODERS = {
    utf8: (text) => text.toWellFormed(),
    hex: (text) => {
      if (text.length % 2) throw new TypeError("incomplete hex string");
      if (/[^0-9a-fA-F]/.test(text)) throw new TypeError("invalid hex encoding");
      return Uint8Array.fromHex(text);
    },
    base64: (text) => {
      if (text.length % 4) throw new TypeError("incomplete Base64 string");
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new TypeError("invalid Base64 encoding");
      return Uint8Array.fromBase64(text);
    },
    base64url: (text) => {
      if (text.length % 4 === 1) throw new TypeError("incomplete Base64 string");
      if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new TypeError("invalid Base64 encoding");
      return Uint8Array.fromBase64(text, { alphabet: "base64url" });
    },
  };

  const decoder = (encoding) => {
    if (!Object.hasOwn(DECODERS, encoding)) throw new TypeError(`unknown encoding: ${encoding}`);
    return DECODERS[encoding];
  };

  // A piece is { text }, { bytes } or { handle, from }; all have `size`.
  const pieceOf = (content) =>
    typeof content === "string"
      ? { text: content, size: textSize(content) }
      : { bytes: content, size: content.length };

  const asBytes = (piece) => (piece.text === undefined ? piece : pieceOf(encodeText(piece.text)));

  const slice = (piece, from, size) =>
    piece.handle
      ? { handle: piece.handle, from: piece.from + from, size }
      : { bytes: asBytes(piece).bytes.subarray(from, from + size), size };

  const latin1 = (bytes) => {
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode.apply(null, bytes.subarray(i, i + 8192));
    return text;
  };

  const pieceJSON = ({ text, bytes, handle, from, size }) => {
    if (text !== undefined) return stringify(text);
    return handle ? `[${handle.number},${from},${from + size}]` : `{"x":${stringify(latin1(bytes))}}`;
  };

  let crossing = false; // JSON is made for Python
  let seen = false;

  class Data extends rt.Event {
    #pieces = [];
    #size = 0;
    #changed = false;

    constructor(content, encoding) {
      super();
      if (content === undefined || content === null) return;
      if (typeof content === "string") this.#append(pieceOf(decoder(encoding ?? "utf8")(content)));
      else if (content instanceof Data) {
        this.#pieces = content.#pieces.slice();
        this.#size = content.#size;
      } else if (Array.isArray(content)) this.#append(pieceOf(Uint8Array.from(content)));
      else if (content instanceof Uint8Array) this.#append(pieceOf(content.slice()));
      else throw new TypeError("argument #1 expects a string, an array or an instance of Data");
    }

    // null for text that is not in that encoding.
    static from(content, encoding) {
      try {
        return new Data(content, encoding);
      } catch (error) {
        if (typeof content === "string" && Object.hasOwn(DECODERS, encoding ?? "utf8")) return null;
        throw error;
      }
    }

    get size() {
      return this.#size;
    }

    push(content) {
      if (typeof content === "string") this.#append(pieceOf(content.toWellFormed()));
      else if (content instanceof Data) for (const piece of content.#pieces.slice()) this.#append(piece);
      else throw new TypeError("argument #1 expects a string or an instance of Data");
      return this;
    }

    pushUInt32BE(number) {
      if (typeof number !== "number") throw new TypeError("argument #1 expects a number");
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, number);
      this.#append(pieceOf(bytes));
      return this;
    }

    shift(count) {
      if (typeof count !== "number") throw new TypeError("argument #1 expects a number");
      const head = new Data();
      this.#changed = true;
      while (count > 0 && this.#pieces.length > 0) {
        let piece = this.#pieces[0];
        if (piece.size <= count) this.#pieces.shift();
        else {
          this.#pieces[0] = slice(piece, count, piece.size - count);
          piece = slice(piece, 0, count);
        }
        head.#append(piece);
        this.#size -= piece.size;
        count -= piece.size;
      }
      return head;
    }

    shiftUInt32BE() {
      const bytes = rt.bytesOf(this.shift(4));
      let number = 0;
      for (const byte of bytes) number = number * 256 + byte;
      return number;
    }

    // Text, or undefined when the bytes are not valid UTF-8.
    toString(encoding) {
      encoding ??= "utf8"; // null is as good as nothing, for all arguments that may be left out
      if (this.#pieces.length === 0) return decoder(encoding) && "";
      if (encoding === "utf8" && this.#pieces.every((piece) => piece.text !== undefined))
        return this.#pieces.map((piece) => piece.text).join("");
      decoder(encoding);
      return rt.host("pipy.text", this, encoding);
    }

    // In a template literal, with `+` and so on: always text, with U+FFFD for what is none.
    [Symbol.toPrimitive]() {
      return this.toString() ?? rt.host("pipy.text", this, "lossy");
    }

    toJSON() {
      if (crossing) return { "\0": "Data", payload: this.#base64(), script: 0 };
      seen = true;
      return this.toString() ?? null;
    }

    #base64() {
      if (this.#pieces.some((piece) => piece.handle)) return this.toString("base64");
      const bytes = new Uint8Array(this.#size);
      let at = 0;
      for (const piece of this.#pieces) {
        bytes.set(asBytes(piece).bytes, at);
        at += piece.size;
      }
      return bytes.toBase64();
    }

    #append(piece) {
      if (piece.size === 0) return;
      this.#pieces.push(piece);
      this.#size += piece.size;
      this.#changed = true;
    }

    static {
      // Python's number and size -> Data
      rt.dataFrom = (number, size) => {
        const data = new Data();
        if (number !== 0) data.#append({ handle: handle(number), from: 0, size });
        data.#changed = false;
        return data;
      };
      // Do something that makes JSON for Python: Data in it is marked, as `events.Data` is in JSON.
      rt.marked = (make) => {
        crossing = true;
        try {
          return make();
        } finally {
          crossing = false;
        }
      };
      // Whether Data has been put into JSON, unmarked, since this was last asked
      rt.hasSeenData = () => {
        const answer = seen;
        seen = crossing = false; // the latter may be left true where a call was stopped
        return answer;
      };
      // What toJSON has made of a Data that is marked -> that Data, for JSON.parse; other values as they are
      rt.reviveData = (_name, value) =>
        value !== null && typeof value === "object" && value["\0"] === "Data" && typeof value.payload === "string"
          ? Data.from(value.payload, "base64") ?? value
          : value;
      rt.dataChanged = (data) => data.#changed;
      rt.dataSettled = (data) => {
        data.#changed = false;
      };
      // Data -> what crosses to Python: a list of "text", [number, from, to] and { x: "bytes as latin-1" }
      rt.piecesJSON = (data) => `[${data.#pieces.map(pieceJSON).join()}]`;
      rt.dataJSON = (data) => `{"p":${rt.piecesJSON(data)}}`;
    }
  }

  rt.bytesOf = (data) => Uint8Array.fromHex(data.toString("hex"));
  rt.Data = Data;
};
