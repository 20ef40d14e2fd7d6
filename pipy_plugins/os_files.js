(runtime) => {
  const { Data, host } = runtime;

  const FORMAT = 0o170000;
  const is = (format) =>
    function () {
      return (this.mode & FORMAT) === format;
    };

  class Stat {
    constructor(fields) {
      Object.assign(this, fields);
    }
  }
  const FORMATS = {
    isFile: 0o100000,
    isDirectory: 0o040000,
    isCharacterDevice: 0o020000,
    isBlockDevice: 0o060000,
    isFIFO: 0o010000,
    isSymbolicLink: 0o120000,
    isSocket: 0o140000,
  };
  for (const [name, format] of Object.entries(FORMATS)) Object.defineProperty(Stat.prototype, name, { value: is(format) });

  const nameOf = (path) => {
    if (typeof path !== "string") throw new TypeError("argument #1 expects a string");
    return path;
  };

  return {
    os: {
      readFile: (path) => host("os.readFile", nameOf(path)),

      writeFile(path, content) {
        if (typeof content !== "string" && !(content instanceof Data))
          throw new TypeError("argument #2 expects a string or an instance of Data");
        return host("os.writeFile", nameOf(path), content) ? undefined : null;
      },

      stat(path) {
        const fields = host("os.stat", nameOf(path));
        return fields === null ? null : new Stat(fields);
      },
    },
  };
}
