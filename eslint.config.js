import neostandard, { resolveIgnoresFromGitignore } from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: resolveIgnoresFromGitignore() }),
  {
    files: ['src/**/*.ts'],
    ignores: ['src/server.ts', 'src/service.ts', 'src/listeners.ts', 'src/app.ts', 'src/load-plugin.ts', 'src/index.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['fastify', 'fastify-plugin', '@fastify/*', '**/plugins/*', '**/routes/*'] }]
    }
  },
  {
    files: ['**/*.ts'],
    rules: { '@typescript-eslint/no-explicit-any': 'error' }
  }
]
