// Loaded into every Node that is measured. It answers questions that only the process itself can answer.
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { Server } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'

const resolution = 10
const delays = monitorEventLoopDelay({ resolution })

const answers = {
  /** Bytes after garbage collection. */
  async memory () {
    for (let times = 0; times < 3; times++) {
      globalThis.gc()
      await setImmediate()
    }
    const { heapUsed, external, rss } = process.memoryUsage()
    return { used: heapUsed + external, rss }
  },

  /** From here on delays of the event loop are measured. */
  watch () {
    delays.reset()
    delays.enable()
    return {}
  },

  /** ms by which its timers were late, of a hundred the last but one. */
  delays () {
    return { p99: delays.percentile(99) / 1e6 - resolution }
  },

  async end () {
    await profiled?.()
    process.exit()
  }
}

/** Of its CPU from now on; what is answered ends that and writes it to the file. */
async function profile (file) {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  return async () => writeFileSync(file, JSON.stringify((await session.post('Profiler.stop')).profile))
}

let profiled

const { listen } = Server.prototype
Server.prototype.listen = function (...args) {
  this.once('listening', async () => {
    if (process.env.BENCH_PROFILE !== undefined) profiled ??= await profile(process.env.BENCH_PROFILE)
    process.send({ port: this.address().port })
  })
  return listen.apply(this, args)
}

process.on('message', async (question) => process.send(await answers[question]()))
process.on('disconnect', () => process.exit())
