({ Native, Data, host }) => {
  const absent = (value) => value === undefined || value === null;

  class Digest extends Native {
    update(content, encoding) {
      host("crypto.updateDigest", this, absent(encoding) ? content : new Data(content, encoding));
      return this;
    }

    digest(encoding) {
      const digest = host("crypto.digest", this);
      return absent(encoding) ? digest : digest.toString(encoding);
    }
  }

  class Hash extends Digest {
    constructor(algorithm) {
      super(host("crypto.hash", algorithm));
    }
  }

  class Hmac extends Digest {
    constructor(algorithm, key) {
      super(host("crypto.hmac", algorithm, key));
    }
  }

  return { crypto: { Hash, Hmac } };
}
