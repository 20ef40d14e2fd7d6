({ Native, host }) => {
  class Coder extends Native {
    update(content) {
      return host("crypto.updateCipher", this, content);
    }

    final() {
      return host("crypto.finalCipher", this);
    }

    setAAD(content) {
      host("crypto.setAAD", this, content);
      return this;
    }
  }

  class Cipher extends Coder {
    constructor(algorithm, options) {
      super(host("crypto.cipher", algorithm, options?.key, options?.iv));
    }

    getAuthTag() {
      return host("crypto.getAuthTag", this);
    }
  }

  class Decipher extends Coder {
    constructor(algorithm, options) {
      super(host("crypto.decipher", algorithm, options?.key, options?.iv));
    }

    setAuthTag(tag) {
      host("crypto.setAuthTag", this, tag);
      return this;
    }
  }

  return { crypto: { Cipher, Decipher } };
}
