// A number in 0 ... 2^53 - 1 for any value: the same for equal strings, numbers and booleans, and for the same object.
// It has no seed on purpose: all workers, and the next start, send a key to the same place.
(() => {
  const identities = new WeakMap();
  let lastIdentity = 0;

  const identify = (object) => {
    let identity = identities.get(object);
    if (identity === undefined) identities.set(object, identity = ++lastIdentity);
    return identity;
  };

  // Spreads each bit of a lane over all of its bits; without it neighbouring keys share their low bits.
  const scatter = (lane) => {
    lane = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
    lane = Math.imul(lane ^ (lane >>> 13), 0xc2b2ae35);
    return lane ^ (lane >>> 16);
  };

  const hashText = (text, kind) => {
    let low = scatter(0x811c9dc5 + kind); // scattered, or 1 of one kind would meet 2 of another
    let high = scatter(0x9e3779b9 + kind);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x5bd1e995) + low;
    }
    low = scatter(low ^ text.length);
    high = scatter(high ^ low);
    return (high >>> 11) * 0x100000000 + (low >>> 0);
  };

  return (value) => {
    switch (typeof value) {
      case "string": return hashText(value, 1);
      case "number": return hashText(String(value), 2);
      case "function": return hashText(String(identify(value)), 3);
      case "object": return value === null ? hashText("null", 4) : hashText(String(identify(value)), 3);
      default: return hashText(String(value), 4);
    }
  };
})()
