declare namespace crypto {
  /** Says that a key is not what it looks like. */
  interface KeyOptions {
    /** `"sm2"` marks a key of an elliptic curve as one of SM2. Such keys are not supported: an error. */
    aliasType?: string;
  }

  /** A private key: RSA, of an elliptic curve, Ed25519, ... It cannot be looked into. */
  class PrivateKey {
    #private;

    /**
     * @param pem PEM text, of which the first private key is taken: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC1
     *   (`EC PRIVATE KEY`). At most 1 MiB.
     * @throws Error when there is no private key in it, or when it is encrypted, damaged or of an unknown kind.
     */
    constructor(pem: string | Data, options?: KeyOptions);
  }

  /** A public key. It cannot be looked into. */
  class PublicKey {
    #private;

    /**
     * @param pem PEM text, of which the first public key (`PUBLIC KEY`) is taken. At most 1 MiB.
     * @throws Error when there is no public key in it, or when it is damaged or of an unknown kind.
     */
    constructor(pem: string | Data, options?: KeyOptions);
  }

  /** An X.509 certificate. It cannot be looked into. */
  class Certificate {
    #private;

    /**
     * @param pem PEM text, of which the first certificate is taken. At most 1 MiB.
     * @throws Error when there is no certificate in it, or when it is damaged.
     */
    constructor(pem: string | Data);
  }

  /** X.509 certificates: a host's own one, then those of the authorities between it and a root. */
  class CertificateChain {
    #private;

    /**
     * @param pem PEM text, of which all certificates are taken in their order. At most 1 MiB.
     * @throws Error when there is no certificate in it, or when one of them is damaged.
     */
    constructor(pem: string | Data);
  }
}
