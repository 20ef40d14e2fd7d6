/**
 * A block of IPv4 addresses.
 * @example
 * ```js
 * new Netmask('10.1.0.0/16').contains('10.1.2.3')  // true
 * ```
 */
declare class Netmask {
  /**
   * @param cidr `a.b.c.d/n`, or an address, which is a block of one. Numbers with leading zeros are refused.
   * @throws Error `invalid CIDR notation`.
   */
  constructor(cidr: string);

  /** The lowest address of the block. */
  readonly base: string;

  /** The bits that all addresses of the block have in common, as an address: `255.255.0.0`. */
  readonly mask: string;

  /** How many bits that are, 0 to 32. */
  readonly bitmask: number;

  /** All other bits, as an address: `0.0.255.255`. */
  readonly hostmask: string;

  /** The highest address of the block. */
  readonly broadcast: string;

  /** The lowest address of a host: the one behind the base; the base itself in a block of one. */
  readonly first: string;

  /** The highest address of a host: the one in front of the broadcast address; the base itself in a block of one. */
  readonly last: string;

  /** How many addresses there are. */
  readonly size: number;

  /** Whether an address belongs to the block. False for whatever is no IPv4 address. */
  contains(address: string): boolean;

  /** The address of the next host, the first one to begin with; `""` when all have been given. */
  next(): string;
}
