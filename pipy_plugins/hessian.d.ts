/** Values in the binary form of Hessian 2.0, which Dubbo speaks. */
declare namespace Hessian {
  /**
   * The values that are in *data*.
   *
   * Integers beyond 2^53 are BigInts, dates are `Date`, binary values are `Data`, lists are arrays, maps and objects are plain objects
   * whose keys are strings. Names of types and classes are dropped. A value that is there by reference is the same object.
   * @param data bytes; all of them are read. At most 1,000,000 values, nested 256 deep.
   * @returns the value; an array of them if there are several; `undefined` if there is none; `null` for `null`.
   * @throws Error `unrecognized bytecode 0xNN`, or another one that says what is wrong with the bytes.
   */
  function decode(data: Data | null): any;

  /**
   * *value* as bytes. The elements of an array are written one after the other, as the arguments of a call are.
   *
   * Whole numbers become int or long, others double; BigInts become long, `Date` date, `Data` binary, arrays inside of others lists,
   * all other objects maps. `undefined` and functions are null. What is there twice is written as a reference the second time.
   * @param value anything, nested 256 deep at most.
   * @throws Error when it is nested deeper, or a BigInt has more than 64 bits.
   */
  function encode(value: any): Data;
}
