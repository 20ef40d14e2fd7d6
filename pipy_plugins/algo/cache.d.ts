/** Algorithms that proxies need: routing, balancing, pooling, counting. */
declare namespace algo {
  /**
   * A map that forgets what was not used for longest. Keys are compared by value if they are strings, numbers or booleans, and by
   * identity otherwise.
   * @example
   * ```js
   * new algo.Cache(1000, (key) => ({ key, hits: 0 }), (key, value) => console.log(`${key} is forgotten`))
   * ```
   */
  class Cache<Key = any, Value = any> {
    /**
     * @param create makes the value of a key that `get` does not find.
     * @param destroy is called with each entry that is removed, forgotten or cleared.
     */
    constructor(create?: ((key: Key) => Value) | null, destroy?: ((key: Key, value: Value) => void) | null);

    /**
     * @param limit how many entries there may be. 0, and anything else that is not above 0, is no limit: then the script must `remove`
     *   what it no longer needs.
     */
    constructor(
      limit: number,
      create?: ((key: Key) => Value) | null,
      destroy?: ((key: Key, value: Value) => void) | null,
    );

    /**
     * The value of a key, which is now the one most recently used. Where there is none, that of *create*, which is kept: the limit is
     * not looked at here, only when the next new key is `set`.
     * @returns undefined if there is none, and no *create*.
     */
    get(key: Key): Value | undefined;

    /**
     * Keeps a value. A key that is there keeps its place in the order; for a new one the oldest entries are forgotten if there are too
     * many.
     */
    set(key: Key, value: Value): void;

    /** Forgets a key. Says whether it was there. */
    remove(key: Key): boolean;

    /** Forgets everything. */
    clear(): void;
  }
}
