declare namespace crypto {
  /**
   * A message digest. Capitals in the name do not matter. `md4`, `mdc2` and `whirlpool` are there only where the OpenSSL that Python
   * uses offers them, which version 3 does not unless it is configured to.
   */
  type DigestName =
    | "md4" | "md5" | "md5-sha1" | "blake2b512" | "blake2s256" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" | "sha512-224"
    | "sha512-256" | "sha3-224" | "sha3-256" | "sha3-384" | "sha3-512" | "shake128" | "shake256" | "mdc2" | "ripemd160" | "whirlpool"
    | "sm3";

  /** The digest of what comes in pieces. */
  class Hash {
    /** @throws Error `unknown message digest`, or when the OpenSSL of this system does not offer it. */
    constructor(algorithm: DigestName);

    /**
     * Take in what follows.
     * @param content text or bytes.
     * @param encoding how bytes are written in a text: `utf8` unless told otherwise.
     * @returns this.
     * @throws Error after `digest()`.
     */
    update(content: string | Data, encoding?: Data.Encoding): this;

    /**
     * The digest of everything so far. `shake128` and `shake256` give 16 and 32 bytes.
     * @throws Error when it is called a second time.
     */
    digest(): Data;

    /** The same as text, such as `"hex"`. */
    digest(encoding: Data.Encoding): string;
  }

  /** The authentication code (HMAC, RFC 2104) of what comes in pieces. */
  class Hmac {
    /**
     * @param algorithm any but `shake128` and `shake256`.
     * @param key the secret; a text counts as its UTF-8 bytes.
     * @throws Error `unknown message digest`, or when the OpenSSL of this system does not offer it.
     */
    constructor(algorithm: DigestName, key: string | Data);

    /**
     * Take in what follows.
     * @param content text or bytes.
     * @param encoding how bytes are written in a text: `utf8` unless told otherwise.
     * @returns this.
     * @throws Error after `digest()`.
     */
    update(content: string | Data, encoding?: Data.Encoding): this;

    /**
     * The code of everything so far.
     * @throws Error when it is called a second time.
     */
    digest(): Data;

    /** The same as text, such as `"hex"`. */
    digest(encoding: Data.Encoding): string;
  }
}
