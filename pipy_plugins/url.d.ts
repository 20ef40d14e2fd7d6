/**
 * The parts of a URL, read-only. Nothing is refused, resolved (`..`) or encoded: they are as they were written.
 * @example
 * ```js
 * new URL('https://example.com/a?b=1').searchParams.get('b')  // '1'
 * ```
 */
declare class URL {
  /**
   * @param url a host is found only behind `//`.
   * @param base where a URL without a host is to be looked up.
   * @throws TypeError when one of them is neither a text nor a URL.
   */
  constructor(url: string | URL, base?: string | URL | null);

  /** `http:` if there is none. */
  readonly protocol: string;

  /** `user:password`; `""` if there is none. */
  readonly auth: string;
  readonly username: string;
  readonly password: string;

  /** With the port, if one is given. */
  readonly host: string;

  /** Without the port. An IPv6 address is in brackets. */
  readonly hostname: string;

  /** That of the protocol if none is given, `""` if it has none: ftp, gopher, http, https, ws and wss have one. */
  readonly port: string;

  /** Path and query: `/a?b=1`. */
  readonly path: string;

  /** At least `/`. */
  readonly pathname: string;

  /** With the `?`; `""` if there is none. */
  readonly search: string;

  /** Without the `?`. */
  readonly query: string;

  /** With the `#`; `""` if there is none. */
  readonly hash: string;

  /** `protocol//host`. */
  readonly origin: string;

  /** All of it. */
  readonly href: string;

  /** What is in the query. Changing it does not change the URL. */
  readonly searchParams: URLSearchParams;

  /** The same as `href`. */
  toString(): string;

  /** The same as `href`. */
  toJSON(): string;
}

/** What is in a query: names and values. Values of the same name stand together. */
declare class URLSearchParams {
  /**
   * @param init a query, with or without `?`, in which `+` is a plus; names with their values, of which arrays are several and null is
   *   none; or pairs.
   * @throws TypeError for anything else.
   */
  constructor(init?: string | Record<string, any> | Iterable<[string, any]> | null);

  /** How many values there are. */
  readonly size: number;

  /** The first value of a name, or null. */
  get(name: string): string | null;

  /** All values of a name. */
  getAll(name: string): string[];

  /** Whether there is a value, or this one, of a name. */
  has(name: string, value?: string): boolean;

  /** Replaces the values of a name: by one, by those of an array, or, with null, by none. */
  set(name: string, value: any): void;

  /** Adds a value. */
  append(name: string, value: any): void;

  /** Takes out all values, or this one, of a name. */
  delete(name: string, value?: string): void;

  /** The value of each name; an array where there are several. */
  toObject(): Record<string, string | string[]>;

  /** `a=1&b=2`, in which all but letters, digits and `-_.~` is encoded. */
  toString(): string;

  forEach(callback: (value: string, name: string, params: URLSearchParams) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}
