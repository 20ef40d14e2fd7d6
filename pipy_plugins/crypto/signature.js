({ Native, Data, host }) => {
  class Signature extends Native {
    constructor(algorithm) {
      super(host("crypto.signature", algorithm));
    }

    update(content, encoding) {
      host("crypto.updateSignature", this, encoding === undefined || encoding === null ? content : new Data(content, encoding));
      return this;
    }
  }

  class Sign extends Signature {
    // sign(key, options?) or sign(key, encoding, options?)
    sign(key, encoding, options) {
      const isText = typeof encoding === "string";
      const signature = host("crypto.sign", this, key, (isText ? options : encoding)?.id);
      return isText ? signature.toString(encoding) : signature;
    }
  }

  class Verify extends Signature {
    // verify(key, Data, options?) or verify(key, text, encoding, options?)
    verify(key, signature, encoding, options) {
      const isText = typeof signature === "string";
      const given = isText ? Data.from(signature, encoding) : signature;
      return given !== null && host("crypto.verify", this, key, given, (isText ? options : encoding)?.id);
    }
  }

  return { crypto: { Sign, Verify } };
}
