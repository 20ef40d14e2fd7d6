({ Data, host }) => {
  const MAX_DEPTH = 256;
  const LETTER = ":_A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\u{10000}-\u{effff}";
  const NAME = new RegExp(`^[${LETTER}][${LETTER}.0-9\u00b7\u0300-\u036f\u203f\u2040-]*$`, "u");
  const IMPOSSIBLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu; // XML has no form for these
  const ESCAPES = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;" };

  const absent = (value) => value === undefined || value === null;

  class Node {
    constructor(name, attributes, children) {
      if (typeof name !== "string") throw new TypeError("argument #1 expects a string");
      if (!absent(attributes) && (typeof attributes !== "object" || Array.isArray(attributes))) throw new TypeError("argument #2 expects an object");
      if (!absent(children) && !Array.isArray(children)) throw new TypeError("argument #3 expects an array");
      this.name = name;
      this.attributes = attributes ?? null;
      this.children = children ?? null;
    }
  }

  // What Python found, in order: [name, attributes] where an element begins, text, 0 where an element ends.
  const build = (found) => {
    if (found === null) return null;
    const root = new Node("", {}, []);
    const open = [root];
    for (const each of found) {
      if (each === 0) open.pop();
      else if (typeof each === "string") open.at(-1).children.push(each);
      else {
        const node = new Node(each[0], each[1], []);
        open.at(-1).children.push(node);
        open.push(node);
      }
    }
    return root;
  };

  const possible = (text) => text.replace(IMPOSSIBLE, "\ufffd");
  const escape = (text) => possible(text).replace(/[<>&"\t\n\r]/g, (letter) => ESCAPES[letter]);

  const textOf = (text) => {
    if (text.includes("\r")) return escape(text); // in CDATA it would be read as a line feed
    if (!/[<>&]/.test(text)) return possible(text);
    return `<![CDATA[${possible(text).replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
  };

  const checked = (name) => {
    if (typeof name !== "string" || !NAME.test(name)) throw new Error(`not a name in XML: ${name}`);
    return name;
  };

  const tagOf = ({ name, attributes }) => {
    let tag = checked(name);
    for (const [key, value] of Object.entries(attributes ?? {}))
      if (!absent(value)) tag += ` ${checked(key)}="${escape(String(value))}"`;
    return tag;
  };

  const lineOf = (node, depth, newline, indentation) => {
    if (depth > MAX_DEPTH) throw new Error("elements are nested too deeply");
    const margin = indentation.repeat(depth);
    if (!(node instanceof Node)) return margin + textOf(String(node)) + newline;
    const children = (node.children ?? []).filter((child) => !absent(child));
    const tag = tagOf(node);
    if (children.length === 0) return `${margin}<${tag}/>${newline}`;
    if (children.length === 1 && !(children[0] instanceof Node))
      return `${margin}<${tag}>${textOf(String(children[0]))}</${node.name}>${newline}`;
    const inner = children.map((child) => lineOf(child, depth + 1, newline, indentation)).join("");
    return `${margin}<${tag}>${newline}${inner}${margin}</${node.name}>${newline}`;
  };

  const stringify = (root, space) => {
    if (absent(root)) return null;
    const [element, ...others] = root.children ?? [];
    if (!(root instanceof Node) || root.name !== "" || others.length > 0 || !(element instanceof Node)) return "";
    const width = Math.min(10, Math.max(0, Math.trunc(Number(space)) || 0));
    return lineOf(element, 0, width > 0 ? "\n" : "", " ".repeat(width));
  };

  return {
    XML: {
      Node,

      parse(text) {
        if (typeof text !== "string") throw new TypeError("argument #1 expects a string");
        return build(host("xml.parse", text));
      },

      decode(data) {
        if (absent(data)) return null;
        if (!(data instanceof Data)) throw new TypeError("argument #1 expects an instance of Data");
        return build(host("xml.parse", data));
      },

      stringify,

      encode(root, space) {
        const text = stringify(root, space);
        return text === null ? null : new Data(text);
      },
    },
  };
}
