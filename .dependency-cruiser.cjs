/** What each folder of src may import besides itself and packages. Types count as values do. */
const folders = {
  timing: [],
  frame: [],
  net: [],
  limits: ['timing'],
  config: ['net'],
  telemetry: ['net', 'limits', 'config'],
  auth: ['timing', 'frame', 'limits', 'config'],
  listener: ['timing', 'net', 'limits', 'config', 'telemetry'],
  state: ['timing', 'frame', 'config', 'telemetry'],
  dialect: ['timing', 'frame', 'config', 'telemetry', 'auth', 'state'],
  bridge: ['timing', 'frame', 'config', 'telemetry', 'auth', 'state', 'dialect'],
  connection: ['timing', 'frame', 'net', 'limits', 'telemetry', 'auth', 'state', 'dialect']
}

/** The files directly in src: its doors. */
const doors = 'index|kit|server|start|service|app|dialects|settings|launcher|metrics|greeting'

/** Only the files directly in src see Fastify, plugins and routes. */
const fastify = '^node_modules/(@fastify/|fastify)'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(folders).map(([folder, others]) => ({
      name: `src/${folder}`,
      comment: `src/${folder} may import ${['itself', ...others].join(', ')} and packages, but not Fastify`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: `^(src|plugins|routes)/|${fastify}`, pathNot: `^src/(${[folder, ...others].join('|')})/` }
    })),
    {
      name: 'src/testing',
      comment: 'src/testing sees the service as those see it who embed it',
      severity: 'error',
      from: { path: '^src/testing/' },
      to: { path: '^(plugins|routes)/' }
    },
    {
      name: 'commands',
      comment: 'commands see what the server is made of, and are loaded by src/server.ts alone',
      severity: 'error',
      from: { path: '^src/commands/' },
      to: { path: '^(plugins|routes)/', pathNot: '^(plugins/token-check|routes/admin/console-schema)\\.ts$' }
    },
    {
      name: 'commands-on-demand',
      comment: 'only src/server.ts loads commands',
      severity: 'error',
      from: { path: '^(src|plugins|routes)/', pathNot: '^src/(commands/|server\\.ts$)' },
      to: { path: '^src/commands/' }
    },
    {
      name: 'testing',
      comment: 'only tests import src/testing, and the doctor, which is a client of every dialect',
      severity: 'error',
      from: { path: '^(src|plugins|routes)/', pathNot: '^src/(testing|commands/doctor)/' },
      to: { path: '^src/testing/' }
    },
    {
      name: 'src-has-rooms',
      comment: 'src holds the doors and the folders that are listed here',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/((${doors})\\.ts$|(${Object.keys(folders).join('|')}|testing|commands)/)` },
      to: {}
    },
    {
      name: 'plugins',
      comment: 'plugins come before the doors and the routes',
      severity: 'error',
      from: { path: '^plugins/' },
      to: { path: '^(src/[^/]+\\.ts|routes/)' }
    },
    {
      name: 'dialects',
      comment: 'a dialect is made of what plugins have, too: src/kit.ts and packages',
      severity: 'error',
      from: { path: '^routes/(?!admin/)([^/]+)/' },
      to: { path: '^(src|plugins|routes)/', pathNot: '^(src/kit\\.ts$|routes/$1/)' }
    },
    {
      name: 'routes',
      comment: 'routes find what they need on the app, and import no other route folder but their own',
      severity: 'error',
      from: { path: '^routes/' },
      to: { path: '^(src/(index|server|service|app)\\.ts|plugins/)' }
    },
    {
      name: 'route-folders',
      comment: 'a dialect does not know another one',
      severity: 'error',
      from: { path: '^routes/([^/]+)/' },
      to: { path: '^routes/[^/]+/', pathNot: '^routes/$1/' }
    }
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' }
  }
}
