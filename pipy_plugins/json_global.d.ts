/** JSON as the language has it, with `undefined` instead of exceptions for what is none, and with `Data`. */
interface JSON {
  /**
   * The value that a text stands for.
   * @param reviver as in the language.
   * @returns undefined, without an exception, when the text is not JSON.
   * @throws TypeError when it is no text at all.
   */
  parse(text: string, reviver?: (key: string, value: any) => any): any;

  /** The same for bytes. Undefined too when they are no UTF-8, and for `null`, the body of a message that has none. */
  decode(data: Data | null | undefined): any;

  /**
   * A value as text.
   * @param replacer the names of the members to write; or a function that gives what to write instead of a value. *owner*, which the
   *   language does not have, is the object that the value is in, null for the outermost one.
   * @param space indentation: 0 to 10 blanks, or a text.
   * @returns undefined for `undefined` and functions. A value that contains itself is written as null there.
   */
  stringify(
    value: any,
    replacer?: ((key: string, value: any, owner: any) => any) | (string | number)[] | null,
    space?: number | string,
  ): string;

  /** The same as bytes. */
  encode(
    value: any,
    replacer?: ((key: string, value: any, owner: any) => any) | (string | number)[] | null,
    space?: number | string,
  ): Data;
}
