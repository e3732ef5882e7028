import neostandard, { resolveIgnoresFromGitignore } from 'neostandard'

// Which folder may import which is in .dependency-cruiser.cjs.
export default [
  ...neostandard({ ts: true, ignores: resolveIgnoresFromGitignore() }),
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error'
    }
  }
]
