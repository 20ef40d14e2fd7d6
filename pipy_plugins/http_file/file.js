(runtime) => {
  const { Data, Message, Native, host } = runtime;

  const open = (path) => {
    if (typeof path !== "string") throw new TypeError("argument #1 expects a string");
    return host("http.file.open", host("pipy.codebase"), path);
  };

  // What a request may say about a file. A field that came several times is a list.
  const FIELDS = ["accept-encoding", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"];
  const fieldsOf = (headers) => {
    const fields = {};
    for (const name of FIELDS) if (headers?.[name] !== undefined && headers[name] !== null) fields[name] = String(headers[name]);
    return fields;
  };

  class File extends Native {
    #type;
    #codings;
    #plain;
    #bodies = new Map(); // coding -> Data
    #messages = new Map(); // coding -> Message

    constructor(path) {
      const file = path instanceof Native ? path : open(path);
      if (file === null) throw new Error(`file not found: ${path}`);
      super(file);
      const { type, codings, plain } = host("http.file.describe", this);
      this.#type = type;
      this.#codings = codings;
      this.#plain = plain;
    }

    static from(path) {
      const file = open(path);
      return file === null ? null : new File(file);
    }

    toMessage(request) {
      if (typeof request === "string") return this.#toMessage(request);
      if (request === undefined || request === null) return this.#toMessage("");
      if (typeof request !== "object") throw new TypeError("argument #1 expects a string or the head of a request");
      return this.#answer(String(request.method ?? "GET"), fieldsOf(request.headers));
    }

    #toMessage(accepted) {
      const coding = this.#codings.length > 0 && accepted !== "" ? host("http.file.choose", this, accepted) : "";
      let message = this.#messages.get(coding);
      if (message === undefined) this.#messages.set(coding, (message = this.#make(coding)));
      return message;
    }

    #make(coding) {
      if (coding === "" && !this.#plain) return new Message({ status: 400 });
      const headers = { "content-type": this.#type };
      if (coding !== "") headers["content-encoding"] = coding;
      return new Message({ headers }, this.#body(coding));
    }

    #answer(method, fields) {
      const { status, headers, coding, start, stop } = host("http.file.answer", this, method, fields);
      if (start === stop) return new Message({ status, headers });
      const body = new Data(this.#body(coding));
      if (start > 0) body.shift(start);
      return new Message({ status, headers }, body.size > stop - start ? body.shift(stop - start) : body);
    }

    // The content stays with Python: a Data is only a handle until somebody looks into it.
    #body(coding) {
      let body = this.#bodies.get(coding);
      if (body === undefined) this.#bodies.set(coding, (body = host("http.file.content", this, coding)));
      return body;
    }
  }

  return { http: { File } };
}
