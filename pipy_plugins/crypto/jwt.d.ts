declare namespace crypto {
  /** A public key as JSON (RFC 7517). */
  class JWK {
    /**
     * @param members `kty` is `RSA` (with `n`, `e`), `EC` (with `crv`: `P-256`, `P-384` or `P-521`, `x`, `y`) or `OKP` (with
     *   `crv`: `Ed25519`, `x`). Members that are not needed, those of a private key among them, are left alone.
     * @throws Error `missing "kty"`, `unknown "kty"`, `missing "n"` and so on.
     */
    constructor(members: { kty: string; [name: string]: unknown });

    /** Whether the members make a key. If they do not, no token can be verified with it. */
    readonly isValid: boolean;
  }

  /**
   * A signed JSON Web Token (RFC 7519): HS256, HS384, HS512, RS*, PS*, ES* with the same sizes, and EdDSA with Ed25519.
   * Only the signature is looked at. What a token claims, such as `exp`, `nbf` and `aud`, is for the script to check.
   */
  class JWT {
    /** @param token three parts of base64url with dots between them. Never throws for a text, whatever it is. */
    constructor(token: string | Data);

    /** Whether the token has three parts, the first two are JSON objects, and its algorithm is one of those above. */
    readonly isValid: boolean;

    /** What stands in its header; undefined unless it is valid. Not to be trusted before `verify()`. */
    readonly header: { alg: string; kid?: string; [name: string]: any } | undefined;

    /** What the token claims; undefined unless it is valid. Not to be trusted before `verify()`. */
    readonly payload: { [name: string]: any } | undefined;

    /**
     * Whether the signature is that of a key.
     * @param key for HS*, the secret: text or bytes, not empty. For all others a `PublicKey`, a `PrivateKey` (its public half counts),
     *   a `JWK`, or PEM text of a public or private key. False when key and algorithm do not fit together: PEM text is never a
     *   secret, and an elliptic curve must be that of the algorithm. False too for a token with a `crit` header.
     * @throws Error for a damaged key in PEM form.
     */
    verify(key: string | Data | PublicKey | PrivateKey | JWK): boolean;
  }
}
