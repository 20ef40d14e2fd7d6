() => {
  const DOT = 46;
  const ZERO = 48;
  const NONE = -1;

  // "a.b.c.d" as a number, or NONE. Leading zeros are refused: others read them as octal, and a block list must not depend on that.
  const toNumber = (text) => {
    if (typeof text !== "string" || text.length > 15) return NONE;
    let number = 0;
    let part = NONE;
    let dots = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === DOT) {
        if (part === NONE || ++dots > 3) return NONE;
        number = number * 256 + part;
        part = NONE;
      } else {
        const digit = code - ZERO;
        if (digit < 0 || digit > 9 || part === 0) return NONE;
        part = part === NONE ? digit : part * 10 + digit;
        if (part > 255) return NONE;
      }
    }
    return dots === 3 && part !== NONE ? number * 256 + part : NONE;
  };

  const toText = (number) => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");

  const parse = (cidr) => {
    const [, address, , bits] = /^([0-9.]+)(\/([0-9]|[12][0-9]|3[0-2]))?$/.exec(cidr) ?? [];
    const number = toNumber(address);
    if (number === NONE) throw new Error("invalid CIDR notation");
    return [number, bits === undefined ? 32 : Number(bits)];
  };

  class Netmask {
    #base;
    #mask;
    #broadcast;
    #last;

    constructor(cidr) {
      if (typeof cidr !== "string") throw new TypeError("argument #1 expects a string");
      const [address, bitmask] = parse(cidr);
      const mask = bitmask === 0 ? 0 : (-1 << (32 - bitmask)) >>> 0; // a shift by 32 would shift by 0
      const base = (address & mask) >>> 0;
      const broadcast = (base | ~mask) >>> 0;
      this.#base = base;
      this.#mask = mask;
      this.#broadcast = broadcast;
      this.#last = base;
      this.base = toText(base);
      this.mask = toText(mask);
      this.bitmask = bitmask;
      this.hostmask = toText(~mask);
      this.broadcast = toText(broadcast);
      this.first = toText(bitmask === 32 ? base : base | 1);
      this.last = toText(bitmask === 32 ? base : broadcast - 1);
      this.size = 2 ** (32 - bitmask);
      Object.freeze(this);
    }

    contains(address) {
      const number = toNumber(address);
      return number !== NONE && (number & this.#mask) >>> 0 === this.#base;
    }

    next() {
      if (this.#last + 1 >= this.#broadcast) return "";
      this.#last += 1;
      return toText(this.#last);
    }
  }

  return { Netmask };
}
