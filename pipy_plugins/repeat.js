() => ({
  repeat(count, callback) {
    if (typeof count === "function") {
      callback = count;
      count = Infinity;
    }
    if (typeof count !== "number") throw new TypeError("argument #1 expects a number or a function");
    if (typeof callback !== "function") throw new TypeError("argument #2 expects a function");
    let result;
    for (let i = 0; i < count; i++) {
      result = callback(i);
      if (!result) break;
    }
    return result;
  },
})
