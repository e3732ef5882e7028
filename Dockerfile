# Pinned to a version. To pin the exact image, add the digest that your registry shows.
FROM node:24.11.1-alpine3.22 AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json ./
COPY src src
COPY plugins plugins
COPY routes routes
COPY web web
COPY examples/clients examples/clients
RUN npm run build && npm prune --omit=dev

FROM node:24.11.1-alpine3.22
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY deploy/health-check.js deploy/
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["node", "deploy/health-check.js"]
# `docker run signalbox --peerjs-key mine`: what follows the image are flags.
ENTRYPOINT ["node", "dist/src/server.js"]
CMD []
