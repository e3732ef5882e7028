declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  /** Draws an OpenAPI document. */
  export default function SwaggerUI (options: { domNode: HTMLElement, url: string, deepLinking?: boolean }): void
}
