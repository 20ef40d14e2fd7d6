// Native: what a script holds of a Python object (see kit.native). Classes of plugins extend it:
// `class Key extends Native { constructor(text) { super(host("key.parse", text)); } }`.
(rt) => {
  "use strict";

  class Native {
    #handle;

    constructor(source) {
      this.#handle = source instanceof Native ? source.#handle : rt.handle(source);
    }

    static {
      rt.nativeJSON = (native) => `{"n":${native.#handle.number}}`;
    }
  }

  rt.Native = Native;
};
