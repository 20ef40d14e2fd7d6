(({ parse }) =>
  ({ Native, Data, host }) => {
    class JWK extends Native {
      constructor(members) {
        super(host("crypto.jwk", members));
      }

      get isValid() {
        return host("crypto.isValidJWK", this);
      }
    }

    const algorithms = new Set(host("crypto.algorithmsOfJWT"));

    const objectOf = (text) => {
      try {
        const value = parse(text);
        return value !== null && typeof value === "object" && !Array.isArray(value) ? value : undefined;
      } catch {
        return undefined;
      }
    };

    class JWT {
      #algorithm; // as it is signed, whatever a script makes of `header`
      #signed;
      #signature;

      constructor(token) {
        if (typeof token !== "string" && !(token instanceof Data)) throw new TypeError("argument #1 expects a string");
        const [, signed, head, body, signature] = /^(([^.]*)\.([^.]*))\.([^.]*)$/.exec(String(token)) ?? [];
        const texts = signed === undefined ? null : host("crypto.textsOfJWT", head, body);
        const [header, payload] = texts?.map(objectOf) ?? [];
        this.isValid = header !== undefined && payload !== undefined && algorithms.has(header.alg);
        if (!this.isValid) return;
        this.header = header;
        this.payload = payload;
        // "crit" names extensions that must be understood, and none is
        this.#algorithm = Object.hasOwn(header, "crit") ? undefined : header.alg;
        this.#signed = signed;
        this.#signature = signature;
      }

      verify(key) {
        if (key === undefined || key === null) throw new TypeError("argument #1 expects a string, an instance of Data, or a key");
        return this.#algorithm !== undefined && host("crypto.verifyJWT", this.#algorithm, this.#signed, this.#signature, key);
      }
    }

    return { crypto: { JWK, JWT } };
  })(JSON)
