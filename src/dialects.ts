/**
 * The built-in dialects: each is a folder in `routes`, and a line here under the name that `DIALECTS` has for it. One whose description
 * `isOptional` is off unless `DIALECTS` names it.
 */
export { ayame } from '../routes/ayame/index.js'
export { drone } from '../routes/drone/index.js'
export { gst } from '../routes/gst/index.js'
export { peerjs } from '../routes/peerjs/index.js'
export { psync } from '../routes/psync/index.js'
export { rooms } from '../routes/rooms/index.js'
export { tom } from '../routes/tom/index.js'
export { tracker } from '../routes/tracker/index.js'
export { topics } from '../routes/topics/index.js'
export { whep, whip } from '../routes/whip/index.js'
