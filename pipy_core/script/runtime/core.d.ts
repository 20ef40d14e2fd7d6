/**
 * Begins the description of pipelines. A script is one expression, and its value is what `pipy()` and each method of it gives.
 * @param variables the variables of the script with their initial values, or a function that gives them. There is one set of them for
 *   each connection, request or task. Initial values are made once: objects among them are shared by all.
 * @throws Error when it is called while events are processed.
 * @example
 * ```js
 * pipy({ _count: 0 })
 *   .listen(8080)
 *   .serveHTTP(() => new Message(`request ${++_count} of this connection`))
 * ```
 */
declare function pipy(variables?: Record<string, any> | (() => Record<string, any>)): Configuration;

/** The program that the script is a part of. */
declare namespace pipy {
  /**
   * A file that belongs to the script.
   * @param path from the directory of the main script, above which there is nothing: `certs/key.pem`.
   * @returns its content, or null if there is no such file.
   * @throws Error when it is there and cannot be read.
   */
  function load(path: string): Data | null;

  /** Loads the script again, as SIGHUP does. If that fails, the running one goes on. Open connections keep the script they began with. */
  function restart(): void;

  /**
   * Ends the program as SIGINT does: no new connections; open ones have 30 s to end. A second call does not wait.
   * @param code the exit code.
   * @throws TypeError when it is not a number.
   */
  function exit(code?: number): void;
}

/**
 * Pipelines being described. Each method gives the same object; `listen`, `task` and `pipeline` begin a pipeline, the methods of
 * filters add to it.
 */
interface Configuration {
  /**
   * Begins the pipeline of a port. Each connection gets a run of it of its own: bytes that arrive go in, bytes that come out are sent.
   * @param port a number for a port of all IPv4 addresses, `"ip:port"` or `"[ipv6]:port"`. 0 opens no port.
   * @param options durations are seconds or a text such as `"1m"`, sizes are bytes or a text such as `"64k"`. What is not given is as the
   *   command line says: `--header-timeout=30` for `headerTimeout`.
   */
  listen(
    port: number | string,
    options?: {
      /** Connections at a time; more wait to be accepted. -1: as many as the process may have. */
      maxConnections?: number;
      /** Bytes of a request line; beyond it `414`. 8 KiB. */
      maxRequestLine?: number | string;
      /** Bytes of the head of a message; beyond it `431`. 64 KiB. */
      maxHeaderSize?: number | string;
      /** Fields in a head; beyond it `431`. 128. */
      maxHeaderCount?: number;
      /** Bytes of a body that `serveHTTP` collects for its function; beyond it `413`. 16 MiB. */
      maxBodyBuffer?: number | string;
      /** Requests on one connection, which ends behind the last one. 10,000; 0: any number. */
      maxRequests?: number;
      /** From the beginning of a request, or of the connection, to the end of its head. 60 s; 0: for ever. */
      headerTimeout?: number | string;
      /** Without a byte of a request's body that is waited for. 60 s; 0: for ever. */
      bodyTimeout?: number | string;
      /** Between two requests. 75 s; 0: for ever. */
      idleTimeout?: number | string;
      /** Without a byte from the client, whatever it speaks. 0, for ever. */
      readTimeout?: number | string;
      /** While the client takes nothing of what is to be sent. 60 s; 0: for ever. */
      writeTimeout?: number | string;
      /** Finds where redirected connections were meant to go; on Linux only. */
      transparent?: boolean;
    },
  ): this;

  /**
   * Begins a pipeline that runs by itself: a MessageStart and a MessageEnd go in, a StreamEnd that comes out ends the run.
   * @param when an interval from `"0.01s"` to `"1d"`, beginning at once; the name of a signal, such as `"SIGUSR1"`; once, at the start,
   *   unless given.
   */
  task(when?: string): this;

  /**
   * Begins a pipeline that others run by its name.
   * @param name not empty. The last one of a name counts.
   */
  pipeline(name: string): this;

  /**
   * Declares variables that other files may import.
   * @param namespace where they are found.
   * @param variables as for `pipy()`.
   */
  export(namespace: string, variables: Record<string, any>): this;

  /**
   * Makes variables of other files known in this one. Assigning to them changes them there.
   * @param variables the name of each, with the namespace it is exported to: `{ __service: 'router' }`.
   */
  import(variables: Record<string, string>): this;
}

/** The connection that the current stream began with; null in tasks, and when it is closed. */
declare const __inbound: Inbound | null;

/** Where a connection comes from and arrives at. An IPv4 client of an IPv6 port has an address such as `::ffff:10.0.0.1`. */
interface Inbound {
  /** Different for each connection. */
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Where it was meant to go before it was redirected here. Of ports with the option `transparent` only. */
  readonly destinationAddress?: string;
  readonly destinationPort?: number;
}

/** The path of this file from the directory of the main script: `/plugins/router.js`. */
declare const __filename: string;

/**
 * Bytes: an event, the body of a message, the content of a file. They stay where they are until a script looks at them: to pass on a
 * `Data` of any size costs nothing.
 * @example
 * ```js
 * new Data('6869', 'hex').push('!').toString()  // 'hi!'
 * ```
 */
declare class Data {
  /**
   * @param content text, in which bytes are written in an encoding; numbers from 0 to 255; or another `Data`, of which this is a copy.
   *   Empty unless given.
   * @param encoding of a text: its UTF-8 bytes unless told otherwise.
   * @throws TypeError `unknown encoding`, or for text that is not in that encoding: `incomplete hex string`, `invalid hex encoding`,
   *   `incomplete Base64 string`, `invalid Base64 encoding`.
   */
  constructor(content?: string | number[] | Uint8Array | Data | null, encoding?: Data.Encoding);

  /** The same, but null for text that is not in that encoding. */
  static from(content: string | number[] | Uint8Array | Data, encoding?: Data.Encoding): Data | null;

  /** How many bytes there are. */
  readonly size: number;

  /** Adds bytes, or the UTF-8 bytes of a text, behind these. */
  push(content: string | Data): this;

  /** Adds four bytes: a whole number modulo 2^32, its highest byte first. */
  pushUInt32BE(number: number): this;

  /**
   * Takes bytes away from the front.
   * @param count how many; all of them if there are not as many.
   * @returns what was taken.
   */
  shift(count: number): Data;

  /** Takes four bytes away from the front, and gives the whole number that they are, from 0 to 2^32 - 1, its highest byte first. */
  shiftUInt32BE(): number;

  /**
   * The bytes as text.
   * @param encoding `utf8` unless told otherwise.
   * @returns undefined for `utf8` when they are none. (In a template literal and behind `+` there is U+FFFD for what is none.)
   * @throws TypeError `unknown encoding`.
   */
  toString(encoding?: Data.Encoding): string;
}

declare namespace Data {
  /**
   * How bytes are written in a text. `hex` takes capitals too; `base64` has `=` at its end where needed, `base64url` (RFC 4648, 5) has
   * none.
   */
  type Encoding = "utf8" | "hex" | "base64" | "base64url";
}

/**
 * A message: a head, such as method and headers of an HTTP request, and a body. Where a script may give events it may give a message.
 * @example
 * ```js
 * new Message({ status: 404, headers: { 'content-type': 'text/plain' } }, 'no such thing')
 * ```
 */
declare class Message {
  /** @param body text counts as its UTF-8 bytes. */
  constructor(body?: string | Data);

  /**
   * @param head for HTTP, `method`, `path` and `headers` of a request, `status` and `headers` of a response. May be left out: `null`.
   * @param body text counts as its UTF-8 bytes.
   */
  constructor(head: Record<string, any> | null, body?: string | Data | null);

  /** May be changed in place: what follows in the pipeline sees it. */
  readonly head: any;

  /** Null if there is none. */
  readonly body: Data | null;
}

/** The event that begins a message. */
declare class MessageStart {
  constructor(head?: Record<string, any> | null);

  /** May be changed in place: what follows in the pipeline sees it. */
  readonly head: any;
}

/** The event that ends a message. */
declare class MessageEnd {
  #private;

  constructor();
}

/** The event that ends a stream. */
declare class StreamEnd {
  /** Ends it without an error. */
  constructor();

  /** Why the stream ended; `""` if it just did. */
  readonly error:
    | ""
    | "UnknownError"
    | "RuntimeError"
    | "ReadError"
    | "WriteError"
    | "CannotResolve"
    | "ConnectionCanceled"
    | "ConnectionReset"
    | "ConnectionRefused"
    | "ConnectionTimeout"
    | "ReadTimeout"
    | "WriteTimeout"
    | "Unauthorized"
    | "BufferOverflow"
    | "ProtocolError";
}

/** What flows through pipelines. There is no such name at run time. */
type PipyEvent = Data | MessageStart | MessageEnd | StreamEnd;

/**
 * The log of the program. Values are separated by blanks: text as it is, objects as JSON, `Data` as its text. Each line of a longer
 * text is a line of the log.
 */
declare namespace console {
  /** A line with `[INF]`, shown unless the log level is `warn` or `error`. */
  function log(...values: any[]): void;

  /** The same as `log`. */
  function info(...values: any[]): void;

  /** A line with `[WRN]`, shown unless the log level is `error`. */
  function warn(...values: any[]): void;

  /** A line with `[ERR]`, always shown. */
  function error(...values: any[]): void;

  /** A line with `[DBG]`, shown if the log level is `debug`. */
  function debug(...values: any[]): void;
}
