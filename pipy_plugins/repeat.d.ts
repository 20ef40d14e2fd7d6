/**
 * A loop for scripts that are one expression: calls a function with 0, 1, 2 and so on until it gives something falsy.
 * @param callback gets the number of the call.
 * @returns what the last call gave; undefined if there was none.
 * @throws TypeError when an argument is missing.
 * @example
 * ```js
 * repeat(3, (i) => console.log(i) || true)
 * ```
 */
declare function repeat<T>(callback: (i: number) => T): T;
/**
 * The same, at most *count* times.
 */
declare function repeat<T>(count: number, callback: (i: number) => T): T | undefined;
