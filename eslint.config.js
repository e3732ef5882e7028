import neostandard, { resolveIgnoresFromGitignore } from 'neostandard'

// Which folder may import which is in .dependency-cruiser.cjs.
export default [
  ...neostandard({ ts: true, ignores: resolveIgnoresFromGitignore() }),
  {
    rules: { 'max-len': ['error', { code: 140, tabWidth: 2 }] }
  },
  {
    files: ['examples/clients/*.js'],
    languageOptions: { globals: { RTCPeerConnection: 'readonly' } }
  },
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error'
    }
  }
]
