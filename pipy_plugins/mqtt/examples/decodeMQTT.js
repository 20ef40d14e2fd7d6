pipy({ _clientID: '' })
  .listen(1883)
  .decodeMQTT()
  .handleMessageStart(
    ({ head }) => (
      head.type === 'CONNECT' && (_clientID = head.clientID),
      head.type === 'PUBLISH' && (head.topicName = `clients/${_clientID}/${head.topicName}`)
    )
  )
  .encodeMQTT()
  .connect('broker:1883')
  .decodeMQTT()
  .handleMessageStart(({ head }) => head.type === 'CONNACK' && console.log(_clientID, head.reasonCode))
  .encodeMQTT()
