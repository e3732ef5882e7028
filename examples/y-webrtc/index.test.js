import { test } from 'node:test'
import { surviveContract } from 'signalbox/testing'
import yWebrtc, { autoPrefix } from './index.js'

const error = (message) => ({ type: 'error', message })

/** A topic is a place, and everybody in it hears what is published. So nobody is addressed. */
surviveContract(test, {
  name: 'y-webrtc',
  plugin: yWebrtc,
  prefix: autoPrefix,
  path: () => autoPrefix,
  // A subscription has no answer, but it is complete before the ping is answered.
  registration: (_id, topic = 'here') => [{ type: 'subscribe', topics: [topic] }, { type: 'ping' }],
  welcome: ({ type }) => type === 'pong' ? {} : undefined,
  signal: (_from, to, load, topic = 'here') => ({ type: 'publish', topic, to, load }),
  received: ({ type, load }) => type === 'publish' ? { sender: undefined, load } : undefined,
  question: () => ({ type: 'ping' }),
  isAnswer: ({ type }) => type === 'pong',
  errors: { notJson: error('Invalid JSON'), unknown: (type) => error(`Unknown message type: ${type}`) },
  misfits: () => [[{ type: 'subscribe' }, error('Invalid or missing topics')], [{ type: 'publish' }, error('Invalid or missing topic')]],
  ignored: [{ type: 'publish', topic: 'nobody listens' }, { type: 'unsubscribe', topics: ['never subscribed'] }]
})
