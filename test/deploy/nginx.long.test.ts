import t from 'tap'
import { holdsBehind } from './behind-proxy.js'
import { startNginx } from './tls-proxies.js'

holdsBehind(t, startNginx)
