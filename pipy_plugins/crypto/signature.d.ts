declare namespace crypto {
  /** Signs what comes in pieces: RSA as PKCS#1 v1.5, elliptic curves and DSA in DER. */
  class Sign {
    /** @throws Error `unknown message digest`; also for `md4`, `mdc2`, `ripemd160`, `whirlpool`, `md5-sha1` and `shake*`. */
    constructor(hash: DigestName);

    /**
     * Take in what follows.
     * @param content text or bytes.
     * @param encoding how bytes are written in a text: `utf8` unless told otherwise.
     * @returns this.
     * @throws Error after `sign()`.
     */
    update(content: string | Data, encoding?: Data.Encoding): this;

    /**
     * The signature under everything so far.
     * @param options `id` is for keys of SM2, which are not supported: an error.
     * @throws Error when this kind of key cannot sign this digest, and when it is called a second time.
     */
    sign(key: PrivateKey, options?: { id?: Data }): Data;

    /** The same as text, such as `"base64"`. */
    sign(key: PrivateKey, encoding: Data.Encoding, options?: { id?: Data }): string;
  }

  /** Verifies signatures as `Sign` makes them. */
  class Verify {
    /** @throws Error `unknown message digest`; also for `md4`, `mdc2`, `ripemd160`, `whirlpool`, `md5-sha1` and `shake*`. */
    constructor(hash: DigestName);

    /**
     * Take in what follows.
     * @param content text or bytes.
     * @param encoding how bytes are written in a text: `utf8` unless told otherwise.
     * @returns this.
     * @throws Error after `verify()`.
     */
    update(content: string | Data, encoding?: Data.Encoding): this;

    /**
     * Whether the signature under everything so far is that of the private half of a key. False for whatever is no signature.
     * @param options `id` is for keys of SM2, which are not supported: an error.
     * @throws Error when this kind of key cannot verify this digest, and when it is called a second time.
     */
    verify(key: PublicKey, signature: Data, options?: { id?: Data }): boolean;

    /** The same with a signature as text. False when it is not in that encoding. */
    verify(key: PublicKey, signature: string, encoding: Data.Encoding, options?: { id?: Data }): boolean;
  }
}
