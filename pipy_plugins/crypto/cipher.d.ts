/**
 * Keys, certificates, digests, ciphers, signatures and JSON Web Tokens.
 * @example
 * ```js
 * new crypto.Hash('sha256').update('text').digest('hex')
 * ```
 * @example
 * ```js
 * pipy({ _jwt: null })
 *   .listen(8080)
 *   .serveHTTP(({ head }) => (
 *     _jwt = new crypto.JWT(head.headers.authorization?.replace('Bearer ', '') ?? ''),
 *     _jwt.verify(os.env.SECRET ?? '') && _jwt.payload.exp > Date.now() / 1000
 *       ? new Message(`hello ${_jwt.payload.sub}`)
 *       : new Message({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
 *   ))
 * ```
 */
declare namespace crypto {
  /** A block cipher and its mode, such as `sm4-cbc` or `aes-256-gcm`. `cfb` and `cfb128` are the same. Capitals do not matter. */
  type CipherName = `${"sm4" | "aes-128" | "aes-192" | "aes-256"}-${"cbc" | "ecb" | "cfb" | "cfb128" | "ofb" | "ctr" | "gcm"}`;

  interface CipherOptions {
    /** The secret: 16 bytes for `sm4` and `aes-128`, 24 for `aes-192`, 32 for `aes-256`. A text counts as its UTF-8 bytes. */
    key: string | Data;
    /** Where the mode begins: 16 bytes; 8 to 128 (12 is usual) for `gcm`; none for `ecb`. Never use one twice with the same key. */
    iv?: string | Data;
  }

  /** Encrypts what comes in pieces. In the modes `cbc` and `ecb` it is padded to whole blocks of 16 bytes (PKCS#7). */
  class Cipher {
    /** @throws Error `unknown cipher`, and `options.key length should be N`, `options.iv length should be N`. */
    constructor(algorithm: CipherName, options: CipherOptions);

    /**
     * Encrypt what follows.
     * @param content bytes, or a text, which counts as its UTF-8 bytes.
     * @returns what is ready; may be empty.
     * @throws Error after `final()`.
     */
    update(content: string | Data): Data;

    /**
     * The end of the encrypted bytes.
     * @throws Error when it is called a second time.
     */
    final(): Data;

    /** Data that is not encrypted but stands under the authentication tag. For `gcm`, before the first `update()`. */
    setAAD(content: string | Data): this;

    /** The authentication tag, 16 bytes. For `gcm`, after `final()`. */
    getAuthTag(): Data;
  }

  /** Decrypts what comes in pieces. */
  class Decipher {
    /** @throws Error `unknown cipher`, and `options.key length should be N`, `options.iv length should be N`. */
    constructor(algorithm: CipherName, options: CipherOptions);

    /**
     * Decrypt what follows. In the mode `gcm` do not trust it before `final()` has returned.
     * @returns what is ready; may be empty.
     * @throws Error after `final()`.
     */
    update(content: string | Data): Data;

    /**
     * The end of the plain bytes.
     * @throws Error when the key, the length, the padding or the authentication tag is wrong, and when it is called a second time.
     */
    final(): Data;

    /** Data that was not encrypted but stands under the authentication tag. For `gcm`, before the first `update()`. */
    setAAD(content: string | Data): this;

    /** What the authentication tag must be, 16 bytes. For `gcm`, before `final()`. */
    setAuthTag(tag: string | Data): this;
  }
}
