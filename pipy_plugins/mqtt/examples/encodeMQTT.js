pipy()
  .listen(1883)
  .decodeMQTT()
  .replaceMessage(
    ({ head }) => (
      head.type === 'CONNECT' ? new Message({ type: 'CONNACK', protocolLevel: head.protocolLevel, reasonCode: 0 }) :
      head.type === 'PINGREQ' ? new Message({ type: 'PINGRESP' }) :
      head.type === 'PUBLISH' && head.qos === 1 ? new Message({ type: 'PUBACK', packetIdentifier: head.packetIdentifier }) :
      null
    )
  )
  .encodeMQTT()
