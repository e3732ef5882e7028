// Start with `pm2 start deploy/pm2.config.cjs`, in a clone of Signalbox in which `npm run build` has run.
module.exports = {
  apps: [{
    name: 'signalbox',
    script: 'dist/src/server.js',
    // DRAIN_MS, up to 5 s after that, and some to spare. pm2 kills after 1.6 s unless it is told otherwise.
    kill_timeout: 15_000,
    // More than one needs exec_mode 'cluster', and REDIS_URL: without it, clients of two workers do not find each other.
    instances: 1,
    exec_mode: 'fork',
    env: { NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '8080', TRUST_PROXY: '127.0.0.1' }
  }]
}
