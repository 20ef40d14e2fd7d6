/** What a file of tests, `*.test.js`, sees besides the globals of scripts. */

/** Declares a test. It gets a fresh copy of the script, with fresh variables, and a clock that stands still. */
declare function test(name: string, run: (t: PipyTest) => void | Promise<void>): void;
declare namespace test {
  /** Declares a test that is not run. */
  function skip(name: string, run: (t: PipyTest) => void | Promise<void>): void;
  /** Declares a test; those of the file that are not declared like this are not run then. */
  function only(name: string, run: (t: PipyTest) => void | Promise<void>): void;
}

/**
 * Names the script that this file tests. Without it `proxy.test.js` tests `proxy.js` beside it.
 * @param path seen from the directory of the test file
 */
declare function script(path: string): void;

/** What a test is given: the script's surroundings, and assertions. */
interface PipyTest {
  /**
   * A port that the script listens on.
   * @param address as the script says it to `listen`; a bare number stands for any IP address; nothing: the only port there is
   */
  port(address?: number | string): PipyTest.Port;

  /**
   * Runs a named pipeline.
   * @param variables values of script variables in it
   */
  pipeline(name: string, variables?: Record<string, unknown>, options?: PipyTest.PipelineOptions): PipyTest.Stream;

  /**
   * A task of the script. Tasks run when a test says so, and not before.
   * @param which what the script says to `task`, or the number of the task from 1; nothing: the only one there is
   */
  task(which?: string | number): PipyTest.Task;

  /**
   * Describes an HTTP server that the script may connect to. Connecting to one that no test describes fails the test.
   * @param address as the script says it: `localhost:8080`
   * @param answer what it answers every request with, or a function that gives it; text and Data are the body of a 200; a port: the script's own; nothing: it never answers
   */
  upstream(address: string, answer?: PipyTest.HTTPAnswer | PipyTest.Port | null, options?: PipyTest.UpstreamOptions): PipyTest.Upstream;
  upstream(address: string, options: PipyTest.UpstreamOptions): PipyTest.Upstream;

  /**
   * Describes a server that does not speak HTTP.
   * @param answer what it sends each time bytes have come, or a function that is given these; a port: the script's own
   */
  tcp(address: string, answer?: PipyTest.Answer<Data> | PipyTest.Port | null, options?: PipyTest.UpstreamOptions): PipyTest.Upstream;
  tcp(address: string, options: PipyTest.UpstreamOptions): PipyTest.Upstream;

  /**
   * Describes a program that the script may run with `exec`; no process is started.
   * @param name of the program, or the whole command line
   * @param output what it prints when its input has ended, or a function that is given that input
   */
  exec(name: string, output?: PipyTest.Answer<Data>, options?: { exitCode?: number }): PipyTest.Program;

  /**
   * Replaces a file of the script. To be called before the script is loaded.
   * @param path seen from the directory of the script
   * @param content text or Data; an object is written as JSON; null: there is no such file
   */
  file(path: string, content: string | Data | object | null): void;

  /** Loads the script now; otherwise it is loaded when it is first needed. Rejects if it cannot be loaded. */
  load(): Promise<void>;

  /** Lets time pass: timers go off in order, and `Date` goes on. @param seconds from 0 on */
  advance(seconds: number): Promise<void>;

  /** Sets what `Date` says from now on, without letting time pass. Every test begins at 2025-01-01T00:00:00Z. */
  setDate(date: Date | string | number): void;

  /** What was logged so far, without the time: `[INF] hello`. */
  readonly log: string[];

  /** What the script has said to `pipy.exit`; null if it has not. */
  readonly exitCode: number | null;

  /** Both are the same, deeply: objects with the same members, Data with the same bytes. Shows the difference. */
  equal(actual: unknown, expected: unknown, note?: string): void;
  /** They differ. */
  notEqual(actual: unknown, other: unknown, note?: string): void;
  /** It counts as true. */
  ok(value: unknown, note?: string): void;
  /** The text contains *pattern*, or matches it. */
  match(text: string | Data, pattern: string | RegExp, note?: string): void;
  /**
   * A function throws, or a promise rejects: then await what this gives.
   * @param pattern what the name and the message of the error contain or match
   */
  throws(run: () => unknown, pattern?: string | RegExp, note?: string): unknown;
  throws(promise: Promise<unknown>, pattern?: string | RegExp, note?: string): Promise<unknown>;
  /** A line was logged that contains *pattern*, or matches it; errors of the script among them are expected. Gives the number of lines. */
  logged(pattern: string | RegExp, note?: string): number;
  /** The test fails. */
  fail(note?: string): never;
}

declare namespace PipyTest {
  type Answer<Asked> = string | Data | null | ((asked: Asked) => string | Data | null | undefined | Promise<string | Data | null | undefined>);
  type HTTPAnswer = Message | string | Data | ((request: Message) => HTTPContent | Promise<HTTPContent>);
  type HTTPContent = Message | string | Data | null | undefined;

  /** What the head of a request may leave out is `GET`, `/`, `HTTP/1.1`, `host`, and the length of the body. */
  interface RequestHead {
    method?: string;
    path?: string;
    protocol?: string;
    headers?: Record<string, string | number | string[]>;
  }

  /** Who connects, as the script sees it in `__inbound`. */
  interface Inbound {
    /** default: 127.0.0.1 */
    remoteAddress?: string;
    /** default: another one for each connection */
    remotePort?: number;
    /** default: 127.0.0.1 */
    localAddress?: string;
  }

  interface PipelineOptions extends Inbound {
    /** the file that declares the pipeline, such as `plugins/router.js`; default: the script itself */
    module?: string;
  }

  /** How an upstream misbehaves. */
  interface UpstreamOptions {
    /** connecting fails, with `ConnectionRefused` or with the error that is named, such as `CannotResolve` */
    refuse?: boolean | string;
    /** seconds that connecting takes; `Infinity`: it never works */
    connectDelay?: number;
    /** seconds before each answer */
    delay?: number;
    /** bytes after which it closes the connection, whatever is left to be sent */
    closeAfter?: number;
    /** what it sends as soon as it is connected */
    greeting?: string;
  }

  /** A port of the script. */
  interface Port {
    /** Sends a request over a new connection, which ends with the response. Rejects if the connection ends without one. */
    request(head?: RequestHead | Message, body?: string | Data): Promise<Message>;
    /** Connects. */
    open(options?: Inbound): Client;
  }

  /** A connection to a port of the script. */
  interface Client {
    /** Sends bytes, or text as UTF-8. */
    send(content: string | Data): Promise<void>;
    /** Sends a request; several may be on their way at a time. */
    request(head?: RequestHead | Message, body?: string | Data): Promise<Message>;
    /** Sends no more; what the script answers still comes. */
    end(): Promise<void>;
    /** Goes away without a word. */
    abort(): Promise<void>;
    /** All that the script has sent so far. */
    readonly received: Data;
    /** Whether the connection has ended. */
    readonly closed: boolean;
    /** The error that the script ended it with: that of its StreamEnd. */
    readonly error: string;
    /** The value of a script variable for this connection. */
    variable(name: string): unknown;
  }

  /** A run of a named pipeline. */
  interface Stream {
    /** Feeds events. Text stands for a Data, a Message for its events. */
    send(...events: (MessageStart | Data | MessageEnd | StreamEnd | Message | string)[]): Promise<void>;
    /** Feeds a message, and gives the first one that comes out and was not given yet. */
    request(head?: object | Message, body?: string | Data): Promise<Message>;
    /** Feeds a StreamEnd. */
    end(): Promise<void>;
    /** All events that came out so far, as they were when they did. */
    readonly output: (MessageStart | Data | MessageEnd | StreamEnd)[];
    /** The events that came out since this was last asked. */
    take(): (MessageStart | Data | MessageEnd | StreamEnd)[];
    /** The whole messages that came out so far. */
    readonly messages: Message[];
    /** Whether a StreamEnd has come out. */
    readonly closed: boolean;
    /** The error of that StreamEnd. */
    readonly error: string;
    /** The value of a script variable in this run. */
    variable(name: string): unknown;
  }

  /** A server that the test plays. */
  interface Upstream {
    /** The requests that have come, oldest first. */
    readonly requests: Message[];
    /** How many connections there have been. */
    readonly connections: number;
    /** All bytes that have come. */
    readonly received: Data;
    /** Sends something unasked, over the newest connection. */
    send(content: string | Data): Promise<void>;
    /** Closes all connections. */
    close(): Promise<void>;
    /** Resets all connections: the script sees `ReadError`. */
    reset(): Promise<void>;
  }

  /** A program that the test plays. */
  interface Program {
    /** The runs whose input has ended, oldest first. */
    readonly runs: { arguments: string[]; input: Data }[];
  }

  /** A task of the script. */
  interface Task {
    /** Runs it once, unless it still runs. */
    run(): Promise<void>;
    /** Runs it now, and then at its interval as time passes. */
    start(): Promise<void>;
  }
}
