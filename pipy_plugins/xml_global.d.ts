/** Documents as trees of nodes. */
declare namespace XML {
  /** An element; or, with the name `""`, a document, whose only child is its element. */
  class Node {
    /**
     * @param name of the element; `""` for a document.
     * @param attributes by their names. Values are written as text; those that are null are left out.
     * @param children elements and texts, in their order.
     */
    constructor(name: string, attributes?: Record<string, any> | null, children?: (Node | string)[] | null);

    name: string;
    attributes: Record<string, any> | null;
    children: (Node | string)[] | null;
  }

  /**
   * The document that is written in *text*. Comments and processing instructions are left out, white space is text like any other.
   *
   * Documents that declare entities or attributes, or use entities that they do not declare, are refused; nothing outside of them is
   * ever read. So are those with more than 200,000 elements, attributes and texts, more than 8 MiB, or elements more than 256 deep.
   * @returns the document; `null` if *text* is none, or is refused.
   */
  function parse(text: string): Node | null;

  /**
   * The same for bytes, in the encoding that they name themselves (UTF-8 unless they do).
   * @returns the document; `null` if *data* is none, or is refused, or is `null`.
   */
  function decode(data: Data | null): Node | null;

  /**
   * A document as text, without an XML declaration. Text with `<`, `>` or `&` in it is written as CDATA, values of attributes are
   * escaped.
   * @param root a document with one element.
   * @param space by how many blanks each level is indented, 0 to 10; 0, the default, puts all of it into one line.
   * @returns the text; `""` if *root* is no such document; `null` for `null`.
   * @throws Error if a name is none in XML, or elements are nested more than 256 deep.
   */
  function stringify(root: Node | null, space?: number): string | null;

  /**
   * The same as bytes, in UTF-8.
   * @throws Error as `stringify` does.
   */
  function encode(root: Node | null, space?: number): Data | null;
}
