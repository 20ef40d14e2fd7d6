() => {
  const DEFAULT_PORTS = { "ftp:": "21", "gopher:": "70", "http:": "80", "ws:": "80", "https:": "443", "wss:": "443" };

  //                scheme                       authority       path    search     hash
  const PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*:))?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/s;

  const absent = (value) => value === undefined || value === null;

  // What is not percent-encoded text stays as it is.
  const decode = (text) =>
    text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (encoded) => {
      try {
        return decodeURIComponent(encoded);
      } catch {
        return encoded;
      }
    });

  const encode = (text) =>
    encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, (mark) => "%" + mark.charCodeAt(0).toString(16).toUpperCase());

  class URLSearchParams {
    #values = new Map(); // name -> array of strings

    constructor(init) {
      if (absent(init)) return;
      if (typeof init === "string") this.#parse(init.startsWith("?") ? init.slice(1) : init);
      else if (typeof init !== "object") throw new TypeError("argument #1 expects a string or an object");
      else if (typeof init[Symbol.iterator] === "function") for (const [name, value] of init) this.append(name, value);
      else for (const [name, value] of Object.entries(init)) this.set(name, value);
    }

    get size() {
      let size = 0;
      for (const values of this.#values.values()) size += values.length;
      return size;
    }

    get(name) {
      return this.#values.get(String(name))?.[0] ?? null;
    }

    getAll(name) {
      return this.#values.get(String(name))?.slice() ?? [];
    }

    has(name, value) {
      const values = this.#values.get(String(name));
      return values !== undefined && (value === undefined || values.includes(String(value)));
    }

    // null takes the name out, an array gives it several values; otherwise as in the standard.
    set(name, value) {
      const values = (Array.isArray(value) ? value : [value]).filter((one) => !absent(one)).map(String);
      if (values.length > 0) this.#values.set(String(name), values);
      else this.#values.delete(String(name));
    }

    append(name, value) {
      const values = this.#values.get(String(name));
      if (values === undefined) this.#values.set(String(name), [String(value)]);
      else values.push(String(value));
    }

    delete(name, value) {
      const values = value === undefined ? [] : this.getAll(name).filter((one) => one !== String(value));
      this.set(name, values);
    }

    toObject() {
      const pairs = [...this.#values].map(([name, values]) => [name, values.length === 1 ? values[0] : values.slice()]);
      return Object.fromEntries(pairs);
    }

    toString() {
      return [...this].map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
    }

    forEach(callback) {
      for (const [name, value] of this) callback(value, name, this);
    }

    *entries() {
      for (const [name, values] of this.#values) for (const value of values) yield [name, value];
    }

    *keys() {
      for (const [name] of this) yield name;
    }

    *values() {
      for (const [, value] of this) yield value;
    }

    [Symbol.iterator]() {
      return this.entries();
    }

    #parse(text) {
      for (const pair of text.split("&")) {
        if (pair === "") continue;
        const equals = pair.indexOf("=");
        if (equals < 0) this.append(decode(pair), "");
        else this.append(decode(pair.slice(0, equals)), decode(pair.slice(equals + 1)));
      }
    }
  }

  const split = (text) => {
    const [, scheme, authority, pathname, search = "", hash = ""] = PARTS.exec(text);
    return { scheme: scheme?.toLowerCase(), authority, pathname, search, hash };
  };

  // RFC 3986, 5.2.2, but for the dot segments, which the original leaves as they are.
  const resolve = (url, base) => {
    if (url.scheme !== undefined) return url;
    const scheme = base.scheme;
    if (url.authority !== undefined) return { ...url, scheme };
    let { pathname, search } = url;
    if (pathname === "") {
      pathname = base.pathname;
      search ||= base.search;
    } else if (!pathname.startsWith("/")) {
      pathname = (base.pathname || "/").replace(/[^/]*$/, "") + pathname;
    }
    return { scheme, authority: base.authority, pathname, search, hash: url.hash };
  };

  const textOf = (number, value) => {
    if (typeof value === "string") return value;
    if (value instanceof URL) return value.href;
    throw new TypeError(`argument #${number} expects a string or an instance of URL`);
  };

  class URL {
    constructor(url, base) {
      const given = split(textOf(1, url));
      const { scheme, authority, pathname, search, hash } = absent(base) ? given : resolve(given, split(textOf(2, base)));
      const at = authority?.lastIndexOf("@") ?? -1;
      this.protocol = scheme ?? "http:";
      this.auth = at < 0 ? "" : authority.slice(0, at);
      [, this.username, this.password = ""] = /^([^:]*)(?::(.*))?$/s.exec(this.auth);
      this.host = authority?.slice(at + 1) ?? "";
      const [, hostname, port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(this.host) ?? ["", this.host];
      this.hostname = hostname;
      this.port = port || DEFAULT_PORTS[this.protocol] || "";
      this.pathname = pathname || "/";
      this.search = search === "?" ? "" : search;
      this.query = this.search.slice(1);
      this.path = this.pathname + this.search;
      this.hash = hash === "#" ? "" : hash;
      this.origin = `${this.protocol}//${this.host}`;
      const front = authority === undefined ? (scheme ?? "") : `${this.protocol}//${this.auth && this.auth + "@"}${this.host}`;
      this.href = front + this.path + this.hash;
      // Not enumerable: what is printed or encoded of a URL are its strings.
      Object.defineProperty(this, "searchParams", { value: new URLSearchParams(this.query) });
      Object.freeze(this);
    }

    toString() {
      return this.href;
    }

    toJSON() {
      return this.href;
    }
  }

  return { URL, URLSearchParams };
}
