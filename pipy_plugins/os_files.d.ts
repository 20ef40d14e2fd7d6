declare namespace os {
  /**
   * Reads a file. Everything waits meanwhile: it is for configuration, not for traffic.
   * @param path relative to the directory of the script
   * @returns the content, or null, with a line in the log, if it cannot be read or is larger than 64 MiB
   */
  function readFile(path: string): Data | null;

  /**
   * Makes or replaces a file.
   * @param path relative to the directory of the script
   * @param content text is written as UTF-8
   * @returns undefined, or null, with a line in the log, if that is not possible
   */
  function writeFile(path: string, content: string | Data): void | null;

  /**
   * What the file system knows of a file; of what a symbolic link leads to.
   * @param path relative to the directory of the script
   * @returns null if there is no such file
   */
  function stat(path: string): Stat | null;

  /** What the file system knows of a file. Times are whole seconds since 1970, `size` is in bytes. */
  interface Stat {
    readonly dev: number;
    readonly ino: number;
    readonly mode: number;
    readonly nlink: number;
    readonly uid: number;
    readonly gid: number;
    readonly rdev: number;
    readonly size: number;
    readonly blksize: number;
    readonly blocks: number;
    readonly atime: number;
    readonly mtime: number;
    readonly ctime: number;
    isFile(): boolean;
    isDirectory(): boolean;
    isCharacterDevice(): boolean;
    isBlockDevice(): boolean;
    isFIFO(): boolean;
    isSymbolicLink(): boolean;
    isSocket(): boolean;
  }
}
