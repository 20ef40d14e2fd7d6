((config, toNodes, toXML, valueOf, toJSON) => (

toNodes = (name, value) => (
  value instanceof Array ? value.flatMap(element => toNodes(name, element)) :
  value instanceof Object ? [
    new XML.Node(name, null, Object.entries(value).flatMap(([key, member]) => toNodes(key, member)))
  ] :
  [new XML.Node(name, null, [String(value)])]
),

toXML = value => XML.encode(
  new XML.Node('', null, toNodes('root', value)), 2
),

valueOf = ({ children }) => (
  !children?.some(child => child instanceof XML.Node) ? (children || []).join('') :
  children.filter(child => child instanceof XML.Node).reduce(
    (object, child) => ({
      ...object,
      [child.name]: child.name in object ? [object[child.name], valueOf(child)].flat() : valueOf(child),
    }),
    {}
  )
),

toJSON = document => JSON.encode(
  valueOf(document.children[0])
),

pipy({
  _document: null,
})

  .import({ __service: 'router' })

  .pipeline('request')
  .link(
    'json-to-xml', () => config.services[__service] === 'json-to-xml',
    'xml-to-json', () => config.services[__service] === 'xml-to-json',
    ''
  )

  .pipeline('json-to-xml')
  .replaceMessageBody(
    '1m',
    body => (
      _document = JSON.decode(body),
      _document === undefined ? body : toXML(_document)
    )
  )

  .pipeline('xml-to-json')
  .replaceMessageBody(
    '1m',
    body => (
      _document = XML.decode(body),
      _document ? toJSON(_document) : body
    )
  )

))(JSON.decode(pipy.load('config/transform.json')))
