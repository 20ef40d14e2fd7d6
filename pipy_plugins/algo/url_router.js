({ absent, string, expects }) => () => {
  // All rules of one domain. Each value is kept in a box, so that a rule may say undefined and still be found.
  class Rules {
    #exact = new Map(); // path -> box
    #prefixes = new Map(); // path without its last '/*' -> box
    #longest = -1; // length of the longest prefix: nothing beyond it is looked at, however long the path

    add(path, box) {
      if (!path.endsWith("/*")) {
        this.#exact.set(path, box);
        return;
      }
      const prefix = path.slice(0, -2);
      this.#prefixes.set(prefix, box);
      this.#longest = Math.max(this.#longest, prefix.length);
    }

    find(path) {
      const box = this.#exact.get(path);
      if (box !== undefined) return box;
      const longest = this.#longest;
      let end = path.length <= longest ? path.length : path.lastIndexOf("/", longest);
      while (longest >= 0 && end >= 0) {
        const prefixed = this.#prefixes.get(path.slice(0, end));
        if (prefixed !== undefined) return prefixed;
        end = end > 0 ? path.lastIndexOf("/", end - 1) : -1; // lastIndexOf takes -1 for 0
      }
      return undefined;
    }
  }

  const join = (parts) => {
    let text;
    for (const part of parts) {
      if (absent(part)) continue;
      const piece = String(part);
      if (text === undefined) text = piece;
      else if (!text.endsWith("/")) text += piece.startsWith("/") ? piece : "/" + piece;
      else text += piece.startsWith("/") ? piece.slice(1) : piece;
    }
    return text ?? "";
  };

  const withoutPort = (host) => {
    const colon = host.indexOf(":");
    return colon < 0 ? host : host.slice(0, colon);
  };

  class URLRouter {
    #domains = new Map(); // 'a.b.c' -> Rules
    #wildcards = new Map(); // '.b.c' for '*.b.c' -> Rules
    #anywhere = new Rules();

    constructor(rules) {
      if (absent(rules)) return;
      if (typeof rules !== "object") expects(1, "an object");
      for (const [pattern, value] of Object.entries(rules)) this.add(pattern, value);
    }

    add(pattern, value) {
      const slash = string(1, pattern).indexOf("/");
      const domain = pattern.slice(0, slash);
      if (slash < 0 || domain.includes(":")) throw new Error(`invalid URL pattern: ${pattern}`);
      this.#rulesOf(domain).add(pattern.slice(slash), { value });
    }

    find(...parts) {
      const text = join(parts);
      const slash = text.indexOf("/");
      const query = text.indexOf("?");
      if (slash < 0 || (query >= 0 && query < slash)) return undefined;
      const path = query < 0 ? text.slice(slash) : text.slice(slash, query);
      const box = this.#findByDomain(text, slash, path) ?? this.#anywhere.find(path);
      return box?.value;
    }

    #findByDomain(text, slash, path) {
      if (slash === 0 || this.#domains.size + this.#wildcards.size === 0) return undefined;
      const host = withoutPort(text.slice(0, slash));
      const box = this.#domains.get(host)?.find(path);
      if (box !== undefined || this.#wildcards.size === 0) return box;
      const dot = host.indexOf(".");
      return dot < 0 ? undefined : this.#wildcards.get(host.slice(dot))?.find(path);
    }

    #rulesOf(domain) {
      if (domain === "") return this.#anywhere;
      const wild = domain.startsWith("*.");
      const table = wild ? this.#wildcards : this.#domains;
      const key = wild ? domain.slice(1) : domain;
      if (!table.has(key)) table.set(key, new Rules());
      return table.get(key);
    }
  }

  return { algo: { URLRouter } };
}
