import t from 'tap'
import { holdsBehind } from './behind-proxy.js'
import { startCaddy } from './tls-proxies.js'

holdsBehind(t, startCaddy)
