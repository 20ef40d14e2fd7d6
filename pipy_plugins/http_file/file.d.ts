/** Responses that are files. */
declare namespace http {
  /**
   * A file of the codebase, as a response. It is read when it is made, once: keep it (in an `algo.Cache`, say) if it is asked for often.
   *
   * `path.gz` and `path.br` beside a file are the same file compressed, for clients that accept that. Of a directory it is the
   * `index.html`. A path with `..` in it names no file.
   */
  class File {
    /**
     * Opens a file.
     * @param path from the root of the codebase, with or without a slash in front
     * @throws Error if there is no such file, or it is larger than 64 MiB
     */
    constructor(path: string);

    /**
     * Opens a file.
     * @param path from the root of the codebase, with or without a slash in front
     * @returns the file, or null if there is none
     * @throws Error if it is larger than 64 MiB
     */
    static from(path: string): File | null;

    /**
     * The whole file as a response, always the same object for the same encoding.
     * @param acceptEncoding the field `accept-encoding` of the request; without it the file is sent as it is
     */
    toMessage(acceptEncoding?: string): Message;

    /**
     * The answer to a request: the file, the part of it that the request asks for (`Range`), `304` if the client has it already
     * (`If-None-Match`, `If-Modified-Since`), the fields alone for `HEAD`, or the error that fits. It carries `etag` and
     * `last-modified`.
     * @param request the head of the request
     */
    toMessage(request: { method?: string; headers?: Record<string, any> }): Message;
  }
}
