(runtime) => {
  const { Data } = runtime;
  const MAX_DEPTH = 256;
  const MAX_VALUES = 1_000_000; // a byte may stand for an object of a hundred
  const CHUNK = 0x8000;
  const bytesOf = (data) => Uint8Array.fromBase64(data.toString("base64")); // shorter than hex

  // -- decoding

  class Reader {
    constructor(bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      this.at = 0;
      this.depth = 0;
      this.count = 0;
      this.references = []; // lists, maps and objects in the order they begin
      this.classes = []; // the fields of each
      this.types = 0;
    }

    get ended() {
      return this.at >= this.bytes.length;
    }

    // Where `count` bytes begin that are read now.
    take(count) {
      const at = this.at;
      if (count > this.bytes.length - at) throw new Error("the data ends within a value");
      this.at += count;
      return at;
    }

    byte() {
      return this.bytes[this.take(1)];
    }

    signed() {
      return this.view.getInt8(this.take(1));
    }

    short() {
      return this.view.getUint16(this.take(2));
    }

    int32() {
      return this.view.getInt32(this.take(4));
    }

    int64() {
      const value = this.view.getBigInt64(this.take(8));
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }

    value() {
      if (++this.count > MAX_VALUES) throw new Error("there are too many values");
      if (++this.depth > MAX_DEPTH) throw new Error("values are nested too deeply");
      let code = this.byte();
      for (; code === 0x43; code = this.byte()) this.definition(); // they stand in front of an object
      const read = READERS[code];
      if (read === undefined) throw new Error(`unrecognized bytecode 0x${code.toString(16).padStart(2, "0")}`);
      const value = read(this, code);
      this.depth--;
      return value;
    }

    // A number that the format itself is made of.
    length() {
      const value = this.value();
      if (!Number.isInteger(value) || value < 0) throw new Error("what should be a length is none");
      return value;
    }

    // That of something that has a byte for each at least.
    size() {
      const size = this.length();
      if (size > this.bytes.length - this.at) throw new Error("the data ends within a value");
      return size;
    }

    name() {
      const name = this.value();
      if (typeof name !== "string") throw new Error("what should be a name is none");
      return name;
    }

    // The name of a type, or the number of one that was there before.
    type() {
      const type = this.value();
      if (typeof type === "string") this.types++;
      else if (!(Number.isInteger(type) && type >= 0 && type < this.types)) throw new Error("there is no such type");
    }

    // UTF-16 units, each written as UTF-8 on its own; pairs in four bytes are understood as well.
    text(size) {
      if (size > this.bytes.length - this.at) throw new Error("the data ends within a value");
      let text = "";
      let units = [];
      for (let left = size; left > 0; ) {
        const first = this.byte();
        if (first < 0x80) units.push(first);
        else if (first >= 0xc0 && first < 0xe0) units.push(((first & 0x1f) << 6) | this.following());
        else if (first >= 0xe0 && first < 0xf0) units.push(((first & 0x0f) << 12) | (this.following() << 6) | this.following());
        else if (first >= 0xf0 && first < 0xf8) {
          const code = ((first & 7) << 18) | (this.following() << 12) | (this.following() << 6) | this.following();
          if (code < 0x10000 || code > 0x10ffff) throw new Error("a string is malformed");
          units.push(0xd7c0 + (code >> 10), 0xdc00 | (code & 0x3ff));
          left--;
        } else throw new Error("a string is malformed");
        left--;
        if (units.length >= 8192) {
          text += String.fromCharCode.apply(null, units);
          units = [];
        }
      }
      return text + String.fromCharCode.apply(null, units);
    }

    following() {
      const byte = this.byte();
      if ((byte & 0xc0) !== 0x80) throw new Error("a string is malformed");
      return byte & 0x3f;
    }

    chunkedText() {
      let text = this.text(this.short());
      for (;;) {
        const code = this.byte();
        if (code === 0x52) text += this.text(this.short());
        else if (isString(code)) return text + READERS[code](this, code);
        else throw new Error("a string does not end");
      }
    }

    binary(size) {
      const at = this.take(size);
      return new Data(this.bytes.subarray(at, at + size));
    }

    chunkedBinary() {
      const data = this.binary(this.short());
      for (;;) {
        const code = this.byte();
        if (code === 0x41) data.push(this.binary(this.short()));
        else if (isBinary(code)) return data.push(READERS[code](this, code));
        else throw new Error("a binary value does not end");
      }
    }

    // `fill` puts what is inside into the object, which may be referred to from there.
    inside(object, fill) {
      this.references.push(object);
      fill(object);
      return object;
    }

    list(size) {
      return this.inside([], (list) => {
        for (let i = 0; i < size; i++) list.push(this.value());
      });
    }

    openList() {
      return this.inside([], (list) => {
        while (!this.closes()) list.push(this.value());
      });
    }

    map() {
      return this.inside({}, (map) => {
        while (!this.closes()) {
          const key = String(this.value());
          put(map, key, this.value());
        }
      });
    }

    closes() {
      if (this.ended) throw new Error("the data ends within a value");
      if (this.bytes[this.at] !== 0x5a) return false;
      this.at++;
      return true;
    }

    definition() {
      this.name();
      const fields = [];
      for (let left = this.size(); left > 0; left--) fields.push(this.name());
      this.classes.push(fields);
    }

    object(number) {
      const fields = this.classes[number];
      if (fields === undefined) throw new Error("there is no such class");
      return this.inside({}, (object) => {
        for (const field of fields) put(object, field, this.value());
      });
    }

    reference() {
      const number = this.length();
      if (number >= this.references.length) throw new Error("there is no such reference");
      return this.references[number];
    }
  }

  const put = (object, key, value) => {
    if (key === "__proto__") Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
    else object[key] = value;
  };

  const isString = (code) => code <= 0x1f || (code >= 0x30 && code <= 0x33) || code === 0x53;
  const isBinary = (code) => (code >= 0x20 && code <= 0x2f) || (code >= 0x34 && code <= 0x37) || code === 0x42;

  // What reads a value, by its first byte.
  const READERS = new Array(256);
  const on = (first, last, read) => READERS.fill(read, first, last + 1);
  on(0x00, 0x1f, (reader, code) => reader.text(code));
  on(0x20, 0x2f, (reader, code) => reader.binary(code - 0x20));
  on(0x30, 0x33, (reader, code) => reader.text(((code - 0x30) << 8) | reader.byte()));
  on(0x34, 0x37, (reader, code) => reader.binary(((code - 0x34) << 8) | reader.byte()));
  on(0x38, 0x3f, (reader, code) => (code - 0x3c) * 0x10000 + reader.short());
  on(0x41, 0x41, (reader) => reader.chunkedBinary());
  on(0x42, 0x42, (reader) => reader.binary(reader.short()));
  on(0x44, 0x44, (reader) => reader.view.getFloat64(reader.take(8)));
  on(0x46, 0x46, () => false);
  on(0x48, 0x48, (reader) => reader.map());
  on(0x49, 0x49, (reader) => reader.int32());
  on(0x4a, 0x4a, (reader) => new Date(Number(reader.int64())));
  on(0x4b, 0x4b, (reader) => new Date(reader.int32() * 60000));
  on(0x4c, 0x4c, (reader) => reader.int64());
  on(0x4d, 0x4d, (reader) => (reader.type(), reader.map()));
  on(0x4e, 0x4e, () => null);
  on(0x4f, 0x4f, (reader) => reader.object(reader.length()));
  on(0x51, 0x51, (reader) => reader.reference());
  on(0x52, 0x52, (reader) => reader.chunkedText());
  on(0x53, 0x53, (reader) => reader.text(reader.short()));
  on(0x54, 0x54, () => true);
  on(0x55, 0x55, (reader) => (reader.type(), reader.openList()));
  on(0x56, 0x56, (reader) => (reader.type(), reader.list(reader.size())));
  on(0x57, 0x57, (reader) => reader.openList());
  on(0x58, 0x58, (reader) => reader.list(reader.size()));
  on(0x59, 0x59, (reader) => reader.int32());
  on(0x5b, 0x5b, () => 0);
  on(0x5c, 0x5c, () => 1);
  on(0x5d, 0x5d, (reader) => reader.signed());
  on(0x5e, 0x5e, (reader) => reader.view.getInt16(reader.take(2)));
  on(0x5f, 0x5f, (reader) => reader.int32() / 1000);
  on(0x60, 0x6f, (reader, code) => reader.object(code - 0x60));
  on(0x70, 0x77, (reader, code) => (reader.type(), reader.list(code - 0x70)));
  on(0x78, 0x7f, (reader, code) => reader.list(code - 0x78));
  on(0x80, 0xbf, (_reader, code) => code - 0x90);
  on(0xc0, 0xcf, (reader, code) => ((code - 0xc8) << 8) + reader.byte());
  on(0xd0, 0xd7, (reader, code) => (code - 0xd4) * 0x10000 + reader.short());
  on(0xd8, 0xef, (_reader, code) => code - 0xe0);
  on(0xf0, 0xff, (reader, code) => ((code - 0xf8) << 8) + reader.byte());

  const decode = (data) => {
    if (data === null || data === undefined) return null;
    if (!(data instanceof Data)) throw new TypeError("argument #1 expects an instance of Data");
    const reader = new Reader(bytesOf(data));
    const values = [];
    while (!reader.ended) {
      // a definition may also be all there is
      if (reader.bytes[reader.at] === 0x43) {
        reader.at++;
        reader.definition();
      } else values.push(reader.value());
    }
    return values.length > 1 ? values : values[0];
  };

  // -- encoding

  class Writer {
    constructor() {
      this.bytes = new Uint8Array(256);
      this.view = new DataView(this.bytes.buffer);
      this.size = 0;
      this.depth = 0;
      this.written = new Map(); // lists and maps, by the order they begin
    }

    // Where `count` bytes can be written.
    room(count) {
      const at = this.size;
      this.size += count;
      if (this.size > this.bytes.length) {
        const larger = new Uint8Array(Math.max(this.size, 2 * this.bytes.length));
        larger.set(this.bytes);
        this.bytes = larger;
        this.view = new DataView(larger.buffer);
      }
      return at;
    }

    byte(byte) {
      const at = this.room(1);
      this.bytes[at] = byte;
    }

    short(code, value) {
      const at = this.room(3);
      this.bytes[at] = code;
      this.view.setUint16(at + 1, value);
    }

    value(value) {
      switch (typeof value) {
        case "boolean":
          return this.byte(value ? 0x54 : 0x46);
        case "number":
          return Number.isSafeInteger(value) ? this.integer(value) : this.double(value);
        case "bigint":
          return this.long(value);
        case "string":
          return this.string(value);
        case "object":
          return value === null ? this.byte(0x4e) : this.object(value);
        default:
          return this.byte(0x4e);
      }
    }

    integer(value) {
      if ((value | 0) !== value) return this.long(BigInt(value));
      const at = this.room(5);
      this.bytes[at] = 0x49;
      this.view.setInt32(at + 1, value);
    }

    long(value) {
      if (BigInt.asIntN(64, value) !== value) throw new Error("a BigInt has more than 64 bits");
      const at = this.room(9);
      this.bytes[at] = 0x4c;
      this.view.setBigInt64(at + 1, value);
    }

    double(value) {
      const at = this.room(9);
      this.bytes[at] = 0x44;
      this.view.setFloat64(at + 1, value);
    }

    date(value) {
      const time = value.getTime();
      if (Number.isNaN(time)) return this.byte(0x4e);
      const at = this.room(9);
      this.bytes[at] = 0x4a;
      this.view.setBigInt64(at + 1, BigInt(time));
    }

    string(text) {
      let from = 0;
      for (; text.length - from > 0xffff; from += CHUNK) {
        this.short(0x52, CHUNK);
        this.units(text, from, from + CHUNK);
      }
      const size = text.length - from;
      if (size < 0x20) this.byte(size);
      else if (size < 0x400) {
        this.byte(0x30 + (size >> 8));
        this.byte(size & 0xff);
      } else this.short(0x53, size);
      this.units(text, from, text.length);
    }

    units(text, from, to) {
      let at = this.room(3 * (to - from));
      const { bytes } = this;
      for (let i = from; i < to; i++) {
        const unit = text.charCodeAt(i);
        if (unit < 0x80) bytes[at++] = unit;
        else {
          if (unit < 0x800) bytes[at++] = 0xc0 | (unit >> 6);
          else {
            bytes[at++] = 0xe0 | (unit >> 12);
            bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
          }
          bytes[at++] = 0x80 | (unit & 0x3f);
        }
      }
      this.size = at;
    }

    binary(data) {
      const bytes = bytesOf(data);
      let from = 0;
      for (; bytes.length - from > 0xffff; from += CHUNK) this.chunk(0x41, bytes.subarray(from, from + CHUNK));
      this.chunk(0x42, bytes.subarray(from));
    }

    chunk(code, bytes) {
      this.short(code, bytes.length);
      const at = this.room(bytes.length);
      this.bytes.set(bytes, at);
    }

    object(value) {
      if (value instanceof Data) return this.binary(value);
      if (value instanceof Date) return this.date(value);
      const number = this.written.get(value);
      if (number !== undefined) {
        this.byte(0x51);
        return this.integer(number);
      }
      this.written.set(value, this.written.size);
      if (++this.depth > MAX_DEPTH) throw new Error("values are nested too deeply");
      if (Array.isArray(value)) {
        this.byte(0x57);
        for (const element of value) this.value(element);
      } else {
        this.byte(0x48);
        for (const key of Object.keys(value)) {
          this.string(key);
          this.value(value[key]);
        }
      }
      this.byte(0x5a);
      this.depth--;
    }
  }

  const encode = (value) => {
    const writer = new Writer();
    if (Array.isArray(value)) for (const element of value) writer.value(element);
    else writer.value(value);
    return new Data(writer.bytes.subarray(0, writer.size));
  };

  return { Hessian: { decode, encode } };
}
