/** The system that the program runs on. */
declare namespace os {
  /** The environment of the process as it was at the start. What is no UTF-8 is U+FFFD. */
  const env: Record<string, string | undefined>;
}
