FROM node:22-alpine AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json ./
COPY src src
COPY plugins plugins
COPY routes routes
RUN npm run build && npm prune --omit=dev

FROM node:22-alpine
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 8080
# With TLS only whether it listens: the check has no certificate to show.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD if [ -n "$TLS_CERT" ]; then nc -z 127.0.0.1 ${PORT:-8080}; else wget -qO- http://127.0.0.1:${PORT:-8080}/ready; fi || exit 1
CMD ["node", "dist/src/server.js"]
