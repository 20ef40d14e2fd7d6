declare namespace algo {
  /**
   * Finds the value of the most specific rule for a host and a path.
   * @example
   * ```js
   * new algo.URLRouter({ '/api/*': 'api', 'static.example.com/*': 'files', '/*': 'web' }).find('example.com', '/api/users')  // 'api'
   * ```
   */
  class URLRouter<Value = any> {
    /** @param rules patterns, as for `add`, with their values. */
    constructor(rules?: Record<string, Value> | null);

    /**
     * Adds a rule, or replaces the one with the same pattern.
     * @param pattern `[domain]/path`. The domain may begin with `*.`, which stands for one label. The path may end in `/*`, which stands
     *   for the path in front of it and everything below; otherwise it is the whole path, to the last slash. Capitals matter.
     * @throws Error `invalid URL pattern` for one without a `/`, or with a port.
     */
    add(pattern: string, value: Value): void;

    /**
     * The value for a host and a path. Rules of the domain come before those of `*.`, and these before those without a domain; in each
     * of these groups the exact path comes before the longest one with `/*`.
     * @param parts joined with one `/` between them; null and undefined are left out. A port of the host and a query do not count.
     * @returns undefined if no rule fits.
     */
    find(...parts: any[]): Value | undefined;
  }
}
