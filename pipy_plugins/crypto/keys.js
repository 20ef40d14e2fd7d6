({ Native, host }) => {
  class PrivateKey extends Native {
    constructor(pem, options) {
      super(host("crypto.privateKey", pem, options?.aliasType));
    }
  }

  class PublicKey extends Native {
    constructor(pem, options) {
      super(host("crypto.publicKey", pem, options?.aliasType));
    }
  }

  class Certificate extends Native {
    constructor(pem) {
      super(host("crypto.certificate", pem));
    }
  }

  class CertificateChain extends Native {
    constructor(pem) {
      super(host("crypto.certificateChain", pem));
    }
  }

  return { crypto: { PrivateKey, PublicKey, Certificate, CertificateChain } };
}
