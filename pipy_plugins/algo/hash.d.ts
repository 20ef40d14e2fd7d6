declare namespace algo {
  /**
   * A whole number from 0 to 2^53 - 1 for any value. Equal strings, numbers and booleans have equal hashes, in all workers and after a
   * restart; objects keep theirs for their life. Not for security: who knows the function can choose values that share a hash.
   */
  function hash(value: any): number;
}
