// What V8 does in its own way.
(rt) => {
  "use strict";

  rt.collectGarbage = globalThis.gc;
  globalThis.gc = undefined; // it cannot be deleted

  // -- calling Python while a script waits: text goes both ways as UTF-16 through memory that Python sees too

  rt.memory = new SharedArrayBuffer(1 << 20);
  delete globalThis.SharedArrayBuffer;

  const HEADER_WORDS = 4;
  const words = new Int32Array(rt.memory, 0, HEADER_WORDS); // [units in this piece, whether more follow]
  const units = new Uint16Array(rt.memory, HEADER_WORDS * 4); // behind the header
  let ring; // the function that makes Python look

  rt.connect = (callback) => void (ring = callback);

  rt.exchange = (text) => {
    let sent = 0;
    do {
      const size = Math.min(text.length - sent, units.length);
      for (let i = 0; i < size; i++) units[i] = text.charCodeAt(sent + i);
      sent += size;
      words[0] = size;
      words[1] = sent < text.length ? 1 : 0;
      ring();
    } while (sent < text.length);
    let answer = "";
    for (;;) {
      const size = words[0];
      for (let i = 0; i < size; i += 8192) answer += String.fromCharCode.apply(null, units.subarray(i, Math.min(i + 8192, size)));
      if (words[1] === 0) return answer;
      words[0] = -1; // the next piece, please
      ring();
    }
  };

  // -- places in errors: what is evaluated carries its name

  rt.named = (source, path, _program) => `${source}\n//# sourceURL=pipy://${path}`;
  rt.forgetSources = (_program) => {};
};
