import type { Check } from '../check.js'
import { explainContext } from '../explain/secure-context.js'

export const secureContext: Check = {
  name: 'secure-context',
  title: 'Secure context',
  about: 'Whether browsers allow cameras here, and pages on HTTPS may connect.',
  async run () {
    return explainContext({ protocol: location.protocol, hostname: location.hostname, isSecure: isSecureContext })
  }
}
