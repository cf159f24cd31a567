# Trimtab as a container: `docker build -t trimtab .`, then `docker run -v trimtab:/data trimtab`.
# The tag is pinned to the Node of package-lock.json (a test compares them).

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run gen && npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/templates ./templates
RUN ln -s /app/dist/main.js /usr/local/bin/trimtab \
    && mkdir /data /secrets \
    && chown node:node /data /secrets
USER node
VOLUME /data
EXPOSE 8400 18000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s \
    CMD ["node", "-e", "fetch('http://127.0.0.1:8400/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
# Loopback only: any other address needs --api-token-file (docker-compose.yml shows it), and for xDS certificates (docs/operations.md).
CMD ["serve", "--data", "/data", "--http", "127.0.0.1:8400", "--xds", "127.0.0.1:18000"]
