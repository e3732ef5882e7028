import {
  createTopicStrategy, makeSocket, type BaseRoomConfig, type RelayConfig, type SocketClient, type StrategyMessage
} from '@trystero-p2p/core'

interface Config extends BaseRoomConfig {
  relayConfig: RelayConfig & { urls: string[] }
}

type Handler = (topic: string, message: StrategyMessage) => unknown

const handlers = new Map<SocketClient, Map<string, Handler>>()

/**
 * The frames of Trystero's ws-relay strategy, whose package is not on npm. All else is Trystero's own: the topics, what is said on them,
 * and when.
 */
export const joinRoom = createTopicStrategy<SocketClient, Config>({
  init: ({ relayConfig }) => relayConfig.urls.map(async (url) => {
    const client: SocketClient = makeSocket(url, (text) => {
      const { topic, payload } = JSON.parse(text) as { topic?: string, payload?: StrategyMessage }
      if (topic !== undefined && payload !== undefined) handlers.get(client)?.get(topic)?.(topic, payload)
    })
    handlers.set(client, new Map())
    return await client.ready
  }),
  subscribeTopic (client, topic, onMessage) {
    handlers.get(client)?.set(topic, onMessage)
    client.send(JSON.stringify({ type: 'subscribe', topic }))
    return () => {
      handlers.get(client)?.delete(topic)
      client.send(JSON.stringify({ type: 'unsubscribe', topic }))
    }
  },
  publishTopic: (client, topic, payload) => { client.send(JSON.stringify({ type: 'publish', topic, payload })) }
})
