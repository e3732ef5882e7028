import buildValidator from '@fastify/ajv-compiler'
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifyServerOptions } from 'fastify'

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>
type Serialize = (data: unknown) => string

const buildSerializer = SerializerSelector()
/** By the schemas that a server's routes may refer to, then by schema. */
const serializers = new Map<string, WeakMap<object, Serialize>>()

/** Compiles a schema once for all servers of a process: a server that begins after others needs half the processor time. */
export const schemaController: SchemaController = {
  compilersFactory: {
    // It remembers what it has compiled.
    buildValidator: buildValidator(),
    buildSerializer (referred, options) {
      const build = buildSerializer(referred, options)
      const key = JSON.stringify([referred, options])
      const compiled = serializers.get(key) ?? new WeakMap<object, Serialize>()
      serializers.set(key, compiled)
      return (route) => {
        const schema = route.schema as object
        const serialize = compiled.get(schema) ?? build(route)
        compiled.set(schema, serialize)
        return serialize
      }
    }
  }
}
